using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using PmemFleet.Chaos.Tests.Support;

namespace PmemFleet.Chaos.Tests.Operation;

[Collection(ChaosSuite.Name)]
public sealed class ShutdownTests(ChaosServer server)
{
    private const string Host = "waits";

    /// <summary>
    /// SIGTERM while a caller waits for an operation, a worker for news and a reader for events: each is answered as if it had not waited longer,
    /// readiness fails while requests are still served, and the process ends by itself.
    /// </summary>
    [Fact]
    public async Task Api_TerminatedWhileOthersWait_AnswersThemAllAndServesUntilNobodyAsks()
    {
        await using var fleet = await ChaosFleet.StartAsync(server, new FleetShape
        {
            Replicas = 1,
            Workers = 1,
            LeaseSeconds = 90,
            Variables = new Dictionary<string, string> { ["PMEMFLEET__API__DRAINSECONDS"] = "8" },
        });
        using var http = fleet.NewClient(ChaosFleet.AdminKey, fleet.ReplicaUrls[0]);
        await fleet.CreateHostAsync(Host, dimms: 1);

        // what is asked of it from here on takes longer than anybody waits
        fleet.Workers[0].Pause();
        using var worker = fleet.NewClient(ChaosFleet.JoinToken, fleet.ReplicaUrls[0]);
        var instance = Guid.NewGuid();
        var joined = await (await worker.PostAsJsonAsync("/v1/workers/join", new { name = "w", mediaPool = "elsewhere", advertisedUrl = "http://127.0.0.1:1", instanceId = instance, version = "1.0.0" })).Content.ReadFromJsonAsync<JsonNode>();
        worker.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", (string)joined!["credential"]!);

        var waiting = WaitAsync(http);
        var syncing = worker.PostAsJsonAsync($"/v1/workers/{joined["workerId"]}/sync", new { instanceId = instance, hosts = Array.Empty<object>(), results = Array.Empty<object>(), observations = Array.Empty<object>(), progress = Array.Empty<object>(), waitSeconds = 20 });
        using var stream = await OpenStreamAsync(http);
        var reading = stream.Content.ReadAsStringAsync();
        for (var attempt = 0; await fleet.ScalarAsync<long>("SELECT count(*) FROM operations WHERE kind = 'create-namespace' AND ended_at IS NULL") == 0; attempt++)
        {
            Assert.True(attempt < 300 && !waiting.IsCompleted, waiting.IsCompleted ? await (await waiting).Content.ReadAsStringAsync() : "the operation does not begin");
            await Task.Delay(50);
        }

        Assert.False(reading.IsCompleted);
        fleet.Replicas[0].Terminate();

        var notReady = await UntilNotReadyAsync(fleet);
        Assert.Contains("stopping", notReady, StringComparison.Ordinal);
        using (var fresh = fleet.NewClient(ChaosFleet.AdminKey, fleet.ReplicaUrls[0]))
        {
            using var late = await fresh.GetAsync($"/v1/hosts/{Host}");
            Assert.Equal((HttpStatusCode.OK, true), (late.StatusCode, late.Headers.ConnectionClose));
        }

        using var answer = await waiting;
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        Assert.StartsWith("/v1/operations/", answer.Headers.Location!.ToString(), StringComparison.Ordinal);
        using var synced = await syncing;
        Assert.Equal(HttpStatusCode.OK, synced.StatusCode);
        await reading;
        Assert.Equal(0, await fleet.Replicas[0].ExitAsync());
    }

    private static Task<HttpResponseMessage> WaitAsync(HttpClient http)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, $"/v1/hosts/{Host}/namespaces") { Content = JsonContent.Create(new { mode = "fsdax", size = "32M" }) };
        request.Headers.Add("Prefer", "wait=60");
        return http.SendAsync(request);
    }

    private static async Task<HttpResponseMessage> OpenStreamAsync(HttpClient http)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/events");
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        var stream = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(HttpStatusCode.OK, stream.StatusCode);
        return stream;
    }

    /// <summary>Over a new connection each time, as a probe does.</summary>
    private static async Task<string> UntilNotReadyAsync(ChaosFleet fleet)
    {
        for (var attempt = 0; ; attempt++)
        {
            using var probe = fleet.NewClient(null, fleet.ReplicaUrls[0]);
            using var answer = await probe.GetAsync("/readyz");
            if (answer.StatusCode == HttpStatusCode.ServiceUnavailable)
            {
                return await answer.Content.ReadAsStringAsync();
            }

            Assert.True(attempt < 600, "it stays ready");
            await Task.Delay(20);
        }
    }
}
