using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Campaigns;
using PmemFleet.Contracts.Hosts;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Workers;
using PmemFleet.Lab.Hosting;

namespace PmemFleet.Api.Tests.Resources;

/// <summary>A campaign over four workers' processes, and over the one that is left of them.</summary>
public sealed class CampaignWorkersTests(CampaignWorkersTests.QuickFailover fixture) : IClassFixture<CampaignWorkersTests.QuickFailover>
{
    private const string Campaign =
        """
        {"seed":20261123,"durationSeconds":31536000,"sources":[{"perDimmHour":0.01},{"kind":"burst","perDimmHour":0.0002,"burstErrors":40,"announced":true},
        {"kind":"dimm-failure","intervalSeconds":9000000,"probability":0.3,"times":1},{"intervalSeconds":3600,"afterAccesses":1000000,"times":20}],
        "scrub":{"intervalSeconds":86400},"access":{"readsPerSecond":0.01,"writesPerSecond":0.2},"repairAfterSeconds":7200,"labelSelector":"set=four"}
        """;

    private readonly HttpClient _api = fixture.Admin;

    [Fact]
    public async Task Campaign_OverFourWorkersAndOverOne_GivesTheSameLogByteForByte()
    {
        var media = Directory.CreateTempSubdirectory("pmemfleet-api-test-");
        var workers = Enumerable.Range(0, 4).Select(number => WorkerChild.Start(fixture.Admin.BaseAddress!, ApiFixture.JoinToken, media.FullName, null, $"four-{number}")).ToList();
        try
        {
            // a host goes to one of those that are there, and stays
            await Eventually.Async(
                async () => (await _api.GetAsync<ListPage<WorkerDto>>("/v1/workers")).Items.Count(worker => worker.Name.StartsWith("four-", StringComparison.Ordinal)) == 4,
                TimeSpan.FromSeconds(60));
            for (var number = 0; number < 8; number++)
            {
                await _api.CreateReadyHostAsync($$"""{"name":"four-{{number}}","labels":{"set":"four"},"dimms":[{"capacity":"256M"},{"capacity":"256M"}],"regions":[{"dimms":["nmem0","nmem1"]}]}""");
            }

            await HeldByAsync(4);
            var four = await RunAsync();
            await Task.WhenAll(workers[1..].Select(worker => worker.DisposeAsync().AsTask()));
            workers.RemoveRange(1, 3);
            await HeldByAsync(1);
            var one = await RunAsync();

            Assert.True(four.Result.Summary is { Errors: > 1000, FoundByScrub: > 0, FoundBySector: > 0, DimmFailures: > 0, Repaired: > 0, ClearedByWrite: > 0 }, $"{four.Result.Summary}");
            Assert.Equal((four.Result.LogSha256, four.Result.LogBytes), (one.Result.LogSha256, one.Result.LogBytes));
            Assert.Equal(four.Log, one.Log);
        }
        finally
        {
            await Task.WhenAll(workers.Select(worker => worker.DisposeAsync().AsTask()));
            media.Delete(recursive: true);
        }
    }

    private Task HeldByAsync(int workers) => Eventually.Async(
        async () =>
        {
            var hosts = (await _api.GetAsync<ListPage<HostDto>>("/v1/hosts?labelSelector=set%3Dfour")).Items;
            return hosts.All(host => host.State == "ready") && hosts.Select(host => host.Worker).Distinct().Count() == workers;
        },
        TimeSpan.FromSeconds(60));

    private async Task<(CampaignResultDto Result, string Log)> RunAsync()
    {
        var campaign = await _api.PostAsync<CampaignDto>("/v1/campaigns", Campaign);
        Assert.Equal("succeeded", campaign.State);
        return (campaign.Result!, await _api.GetStringAsync(new Uri($"/v1/campaigns/{campaign.Id}/log", UriKind.Relative)));
    }

    public sealed class QuickFailover : ApiFixture
    {
        protected override Dictionary<string, string?> Settings => new()
        {
            ["PMEMFLEET:WORKERS:LEASESECONDS"] = "5",
            ["PMEMFLEET:WORKERS:FAILOVERSECONDS"] = "1",
        };
    }
}
