using System.Net;
using PmemFleet.Worker.Tests.Support;

namespace PmemFleet.Worker.Tests.Hosting;

/// <summary>What an orchestrator asks.</summary>
public sealed class HealthTests
{
    [Fact]
    public async Task Health_WithAndWithoutALease_SaysSo()
    {
        await using var worker = await WorkerFixture.StartAsync();
        worker.Api.LeaseSeconds = 2;
        await worker.RunAsync();
        using var http = new HttpClient { BaseAddress = worker.Url };

        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/livez")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/readyz")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/metrics")).StatusCode);
        worker.Api.SyncStatus = HttpStatusCode.ServiceUnavailable;
        worker.Api.Change(() => { });
        await Deadlines.UntilAsync(async () => (await http.GetAsync("/readyz")).StatusCode == HttpStatusCode.ServiceUnavailable, "it is not ready without a lease");
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/livez")).StatusCode);
    }
}
