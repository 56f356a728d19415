using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Dimms;
using PmemFleet.Contracts.Hosts;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Regions;

namespace PmemFleet.Api.Tests.Hosts;

/// <summary>What a replica remembers of a host is what the database has, or is not used.</summary>
public sealed class HostCacheTests(ResourceFixture fixture) : IClassFixture<ResourceFixture>
{
    /// <summary>Whatever is written past the product, by whomever, gives the host a new revision.</summary>
    [Theory]
    [InlineData("UPDATE dimms SET conditions = conditions WHERE host_id = @host")]
    [InlineData("UPDATE label_chunks SET content = content WHERE host_id = @host")]
    [InlineData("DELETE FROM label_chunks WHERE host_id = @host")]
    [InlineData("UPDATE dpa_extents SET length = length WHERE host_id = @host")]
    [InlineData("UPDATE regions SET align = align WHERE host_id = @host")]
    [InlineData("UPDATE region_mappings SET position = position WHERE host_id = @host")]
    [InlineData("UPDATE namespaces SET alt_name = 'by hand' WHERE host_id = @host")]
    [InlineData("UPDATE personalities SET align = align WHERE host_id = @host")]
    [InlineData("INSERT INTO personalities (host_id, region_id, kind, number, align) SELECT host_id, id, 'btt', 77, 0 FROM regions WHERE host_id = @host")]
    [InlineData("INSERT INTO dax_regions (host_id, id, number, start, size, align, target_node, version) VALUES (@host, gen_random_uuid(), 9, 0, 4096, 4096, 0, 1)")]
    [InlineData("DELETE FROM namespaces WHERE host_id = @host AND size = 0")]
    public async Task Statement_ByHand_GivesANewRevision(string sql)
    {
        var host = await LabelledAsync();
        await CreateAsync(fixture.Admin, host, "first");
        var before = await RevisionAsync(host.Id);
        await ExecuteAsync(sql, host.Id);
        Assert.NotEqual(before, await RevisionAsync(host.Id));
    }

    [Fact]
    public async Task Revision_OfAHostOfWhichOnlyOtherRowsChange_Stays()
    {
        var host = await LabelledAsync();
        await CreateAsync(fixture.Admin, host, "first");
        var before = await RevisionAsync(host.Id);
        await ExecuteAsync("UPDATE operations SET version = version + 1 WHERE host_id = @host; UPDATE hosts SET version = version + 1 WHERE id = @host", host.Id);
        Assert.Equal(before, await RevisionAsync(host.Id));
    }

    /// <summary>Two replicas, a hand in the database and refused commands, in turn: each sees what the others did.</summary>
    [Fact]
    public async Task Writes_OfTwoReplicasAndByHandInTurn_EachSeeTheFormer()
    {
        var host = await LabelledAsync();
        var other = await fixture.StartReplicaAsync();
        HttpClient[] replicas = [fixture.Admin, fixture.Client(ApiFixture.AdminKey, other)];
        var random = new Random(20261129);
        var wanted = new List<string>();
        var models = 0;
        for (var round = 0; round < 40; round++)
        {
            var api = replicas[random.Next(2)];
            switch (random.Next(6))
            {
                case 0 when wanted.Count > 0:
                    var gone = random.Next(wanted.Count);
                    var victim = (await ListAsync(api, host)).Single(space => space.AltName == wanted[gone]);
                    await api.RemoveAsync($"/v1/hosts/{host.Name}/namespaces/{victim.Name}?force=true");
                    wanted.RemoveAt(gone);
                    break;
                case 1 when wanted.Count > 0:
                    var renamed = random.Next(wanted.Count);
                    await using (var connection = await fixture.ConnectAsync())
                    await using (var command = new NpgsqlCommand("UPDATE namespaces SET alt_name = @to WHERE host_id = @host AND alt_name = @from", connection))
                    {
                        command.Parameters.AddRange(new NpgsqlParameter[] { new("to", $"hand-{round}"), new("host", host.Id), new("from", wanted[renamed]) });
                        Assert.Equal(1, await command.ExecuteNonQueryAsync());
                    }

                    wanted[renamed] = $"hand-{round}";
                    break;
                case 2:
                    await api.RefusedAsync(HttpMethod.Post, $"/v1/hosts/{host.Name}/namespaces", """{"mode":"raw","size":"1T"}""", HttpStatusCode.Conflict);
                    break;
                default:
                    await CreateAsync(api, host, $"made-{round}");
                    wanted.Add($"made-{round}");
                    break;
            }

            foreach (var replica in replicas)
            {
                Assert.Equal(wanted.Order(), (await ListAsync(replica, host)).Select(space => space.AltName).Order());
            }

            models += await KeptIsStoredAsync(fixture.App, host) + await KeptIsStoredAsync(other, host);
        }

        Assert.True(models > 5, $"only {models} models were kept");

        Assert.True(wanted.Count > 5, $"only {wanted.Count} namespaces were left");
    }

    /// <summary>What hung on a DIMM goes with it in the database, and in what is kept.</summary>
    [Fact]
    public async Task Unplug_OfALabelledDimm_KeepsNothingOfIt()
    {
        var name = $"kept-{Guid.NewGuid():N}";
        var host = await fixture.Admin.CreateReadyHostAsync($$"""{"name":"{{name}}","dimms":[{"capacity":"1G"},{"capacity":"1G"}],"regions":[{"dimms":["nmem0"]}]}""");
        await fixture.Admin.PostAsync<LabelsDto>($"/v1/hosts/{name}/dimms/nmem1/labels/init", "{}");
        await fixture.Admin.RemoveAsync($"/v1/hosts/{name}/dimms/nmem1");
        await KeptIsStoredAsync(fixture.App, host);
        await using var connection = await fixture.ConnectAsync();
        await using var command = new NpgsqlCommand("SELECT count(*) FROM label_chunks WHERE host_id = $1", connection) { Parameters = { new NpgsqlParameter<Guid> { TypedValue = host.Id } } };
        Assert.Equal(0L, await command.ExecuteScalarAsync());
    }

    /// <summary>However many hosts are written, what is kept has a bound, and it is not always the same ones that are kept.</summary>
    [Fact]
    public void Put_OfMoreHostsThanItMayKeep_KeepsSomeOfTheNewest()
    {
        var cache = new HostCache(1 << 20);
        List<HostRow> hosts = [.. Enumerable.Range(0, 3000).Select(number => Bare($"bare-{number}"))];
        foreach (var host in hosts)
        {
            cache.Put(HostRows.Bare(host), null, host.Revision);
            Assert.InRange(cache.Count, 1, 256);
        }

        Assert.Contains(hosts[^256..], host => cache.Take(host) is not null);
        var last = Bare("last");
        var rows = HostRows.Bare(last);
        rows.LabelChunks.AddRange(Enumerable.Range(0, 300).Select(index => new PmemFleet.Api.Dimms.LabelChunkRow { HostId = last.Id, DimmId = last.Id, Index = index, Content = new byte[4096] }));
        cache.Put(rows, null, last.Revision);
        Assert.Null(cache.Take(last));
    }

    private static HostRow Bare(string name) => new()
    {
        Id = Guid.NewGuid(),
        Name = name,
        Provider = "ACPI.NFIT",
        SupportsPud = false,
        PageTableLevels = 4,
        Profile = "linux-6.1",
        DeviceDax = true,
        MediaPool = "none",
        CreatedAt = default,
        Revision = Guid.NewGuid(),
    };

    /// <summary>Where an entry would be used, its rows are the database's, and its model is theirs.</summary>
    /// <returns>1 where there was a model.</returns>
    private static async Task<int> KeptIsStoredAsync(WebApplication replica, HostDto host)
    {
        var cache = replica.Services.GetRequiredService<HostCache>();
        await using var db = await replica.Services.GetRequiredService<IDbContextFactory<FleetDbContext>>().CreateDbContextAsync();
        await using var transaction = await db.Database.BeginTransactionAsync();
        var locked = (await db.LockHostAsync(host.Name, default))!;
        if (cache.Take(locked) is not { } kept)
        {
            return 0;
        }

        var stored = (await HostRows.LoadAsync(db, [locked], withLabels: true, default))[0];
        Assert.Equal(stored.Count, kept.Rows.Count);
        foreach (var row in stored.Devices())
        {
            var table = RowTables.Of(db)[row.GetType()];
            Assert.Contains(kept.Rows.Devices(), candidate => candidate.GetType() == row.GetType() && table.AreSame(candidate, row));
        }

        // the next write saves what differs from these
        Assert.Equal(stored.Count, kept.Rows.Stored.All.Count);
        Assert.All(kept.Rows.Devices(), row => Assert.True(kept.Rows.Stored.Find(row) is { } copy && copy != row && RowTables.Of(db)[row.GetType()].AreSame(row, copy)));

        if (kept.Bus is { } bus)
        {
            var json = System.Text.Json.JsonSerializer.Serialize(bus.Snapshot());
            Assert.Equal(System.Text.Json.JsonSerializer.Serialize(Nvdimm.Model.Bus.Load(BusOfRows.Read(stored)).Snapshot()), json);
        }

        cache.Put(kept.Rows, kept.Bus, locked.Revision);
        return kept.Bus is null ? 0 : 1;
    }

    private async Task<HostDto> LabelledAsync()
    {
        var name = $"kept-{Guid.NewGuid():N}";
        var host = await fixture.Admin.CreateReadyHostAsync($$"""{"name":"{{name}}","dimms":[{"capacity":"2G"}],"regions":[{"dimms":["nmem0"]}]}""");
        await fixture.Admin.PostAsync<RegionDto>($"/v1/hosts/{name}/regions/region0/disable", "{}");
        await fixture.Admin.PostAsync<LabelsDto>($"/v1/hosts/{name}/dimms/nmem0/labels/init", "{}");
        await fixture.Admin.PostAsync<RegionDto>($"/v1/hosts/{name}/regions/region0/enable", "{}");
        return host;
    }

    private static Task<NamespaceDto> CreateAsync(HttpClient api, HostDto host, string altName) =>
        api.PostAsync<NamespaceDto>($"/v1/hosts/{host.Name}/namespaces", $$"""{"mode":"raw","size":"16M","altName":"{{altName}}"}""", HttpStatusCode.Created);

    private static async Task<IReadOnlyList<NamespaceDto>> ListAsync(HttpClient api, HostDto host) =>
        (await api.GetAsync<ListPage<NamespaceDto>>($"/v1/hosts/{host.Name}/namespaces")).Items;

    private async Task<Guid> RevisionAsync(Guid host)
    {
        await using var connection = await fixture.ConnectAsync();
        await using var command = new NpgsqlCommand("SELECT revision FROM hosts WHERE id = $1", connection) { Parameters = { new NpgsqlParameter<Guid> { TypedValue = host } } };
        return (Guid)(await command.ExecuteScalarAsync())!;
    }

    private async Task ExecuteAsync(string sql, Guid host)
    {
        await using var connection = await fixture.ConnectAsync();
        await using var command = new NpgsqlCommand(sql, connection) { Parameters = { new NpgsqlParameter("host", host) } };
        await command.ExecuteNonQueryAsync();
    }
}
