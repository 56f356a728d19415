using Npgsql;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Hosts;

namespace PmemFleet.Api.Tests.Resources;

/// <summary>The model's laws are the database's too: whoever writes past the model is stopped.</summary>
public sealed class SchemaTests(ResourceFixture fixture) : IClassFixture<ResourceFixture>
{
    [Theory]
    [InlineData("INSERT INTO dpa_extents (host_id, dimm_id, dpa_start, length, owner) SELECT host_id, id, 0, 100, host_id FROM dimms WHERE number = 0 AND host_id = @host; INSERT INTO dpa_extents (host_id, dimm_id, dpa_start, length, owner) SELECT host_id, id, 99, 1, host_id FROM dimms WHERE number = 0 AND host_id = @host", "ex_dpa_extents_overlap")]
    [InlineData("INSERT INTO region_mappings (host_id, region_id, index, dimm_id, dpa_start, length, position, region_offset) SELECT r.host_id, r.id, 5, d.id, 4096, 4096, 5, 0 FROM regions r JOIN dimms d USING (host_id) WHERE d.number = 0 AND r.number = 1 AND host_id = @host", "ex_region_mappings_overlap")]
    [InlineData("UPDATE regions SET start = (SELECT start FROM regions WHERE number = 0 AND host_id = @host) WHERE number = 1 AND host_id = @host", "ex_regions_overlap")]
    [InlineData("INSERT INTO media_errors (host_id, dimm_id, dpa, length, poisoned, known) SELECT host_id, id, v, 512, true, true FROM dimms, (VALUES (0), (256)) AS two (v) WHERE number = 0 AND host_id = @host", "ex_media_errors_overlap")]
    [InlineData("UPDATE namespaces SET number = 0 FROM regions r WHERE r.id = region_id AND false OR namespaces.host_id = @host; INSERT INTO namespaces (host_id, id, region_id, number, kind, alt_name, size, sector_size, claim_class, force_raw, state, mounted, version) SELECT host_id, gen_random_uuid(), region_id, number, kind, '', 0, 0, 'none', false, 'disabled', false, 1 FROM namespaces WHERE host_id = @host", "ux_namespaces_number")]
    [InlineData("UPDATE dimms SET capacity = 5 WHERE host_id = @host", "ck_dimms_capacity")]
    [InlineData("UPDATE namespaces SET sector_size = 520 WHERE host_id = @host", "ck_namespaces_sector_size")]
    [InlineData("UPDATE namespaces SET state = 'pending', awaited_intent = NULL WHERE host_id = @host", "ck_namespaces_awaited")]
    [InlineData("DELETE FROM dimms WHERE number = 0 AND host_id = @host", "fk_region_mappings_dimm")]
    [InlineData("UPDATE hosts SET power = 'maybe' WHERE id = @host", "ck_hosts_power")]
    public async Task Write_PastTheModel_IsStoppedByTheDatabase(string sql, string constraint)
    {
        var host = await fixture.Admin.PostAsync<HostDto>(
            "/v1/hosts",
            $$"""{"name":"law-{{Guid.NewGuid():N}}","mediaPool":"laws","dimms":[{"capacity":"64M"},{"capacity":"64M"}],"regions":[{"dimms":["nmem0"]},{"dimms":["nmem1"]}]}""",
            System.Net.HttpStatusCode.Created);
        await using var connection = await fixture.ConnectAsync();
        await using var command = new NpgsqlCommand(sql, connection) { Parameters = { new NpgsqlParameter("host", host.Id) } };
        var stopped = await Assert.ThrowsAsync<PostgresException>(() => command.ExecuteNonQueryAsync());
        Assert.Equal(constraint, stopped.ConstraintName);
    }
}
