using System.Net;
using System.Text;
using Npgsql;
using PmemFleet.Api.Tests.Support;

namespace PmemFleet.Api.Tests.Fleets;

/// <summary>What reads a fleet that was just applied has plans for it, and not for the one that was there before.</summary>
public sealed class FleetStatisticsTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    [Fact]
    public async Task Apply_ManyNewHosts_LeavesStatisticsOfThem()
    {
        using var body = new StringContent(
            """{"hosts":[{"name":"many-{n}","count":200,"dimms":[{"capacity":"64M"}],"regions":[{"ways":1}],"namespaces":[{"mode":"raw","size":"16M"}]}]}""", Encoding.UTF8, "application/json");
        using var request = new HttpRequestMessage(HttpMethod.Put, "/v1/fleet") { Content = body };
        request.Headers.TryAddWithoutValidation("If-Match", "*");
        var answer = await api.Admin.SendAsync(request);
        Assert.True(answer.StatusCode is HttpStatusCode.OK or HttpStatusCode.Accepted, await answer.Content.ReadAsStringAsync());

        await using var connection = await api.ConnectAsync();
        await using var statistics = new NpgsqlCommand("SELECT min(reltuples) FROM pg_class WHERE relname IN ('hosts', 'dimms', 'regions', 'region_mappings', 'namespaces', 'dpa_extents')", connection);
        Assert.InRange((float)(await statistics.ExecuteScalarAsync())!, 200, 1000);
    }
}
