using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Tests.Support;

namespace PmemFleet.Api.Tests.Hosts;

/// <summary>What PostgreSQL believes of labels, whatever its statistics say.</summary>
public sealed class LabelEstimateTests(ApiFixture fixture) : IClassFixture<ApiFixture>
{
    /// <summary>
    /// As after a fleet was applied over hosts without labels. An estimate of few hosts made each page join and sort all that is on those that match
    /// (138 ms where 100,000 namespaces are); a plan that walks them by name needs one that is not small.
    /// </summary>
    [Theory]
    [InlineData("fleet=big")]
    [InlineData("fleet")]
    [InlineData("fleet=big,fleet in (big,other),fleet!=small,!other")]
    public async Task Select_LabelsNewerThanStatistics_IsNotBelievedToBeFew(string text)
    {
        await using var scope = fixture.App.Services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<FleetDbContext>();
        await fixture.ExecuteAsync("DELETE FROM hosts");
        await fixture.ExecuteAsync("""
            INSERT INTO hosts (id, name, labels, provider, supports_pud, page_table_levels, profile, device_dax, media_pool, power, state, epoch, generation, task_sequence, boot_count, version, created_at)
            SELECT gen_random_uuid(), 'h-' || n, '{}', 'ACPI.NFIT', true, 4, 'linux-6.1', true, 'default', 'off', 'pending', 0, 1, 0, 0, 1, now() FROM generate_series(1, 1000) AS n
            """);
        await fixture.ExecuteAsync("ANALYZE hosts");
        await fixture.ExecuteAsync("""UPDATE hosts SET labels = '{"fleet":"big"}'""");

        await using var command = HostSelection.Select(db, null, LabelSelector.Parse(text, null)).OrderBy(host => host.Name).Take(10).CreateDbCommand();
        command.CommandText = $"EXPLAIN (ANALYZE, FORMAT JSON) {command.CommandText}";
        await db.Database.OpenConnectionAsync();
        await using var reader = await command.ExecuteReaderAsync();
        Assert.True(await reader.ReadAsync());
        using var plan = JsonDocument.Parse(reader.GetString(0));
        var hosts = plan.RootElement[0].GetProperty("Plan").GetProperty("Plans")[0];
        Assert.Equal(("Index Scan", "ux_hosts_name"), (hosts.GetProperty("Node Type").GetString(), hosts.TryGetProperty("Index Name", out var index) ? index.GetString() : null));
        Assert.InRange(hosts.GetProperty("Plan Rows").GetDouble(), 300, 1200);
        Assert.InRange(hosts.GetProperty("Actual Rows").GetDouble(), 10, 10);
    }
}
