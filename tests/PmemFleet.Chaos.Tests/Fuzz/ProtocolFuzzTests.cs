using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using PmemFleet.Chaos.Tests.Kills;
using PmemFleet.Chaos.Tests.Support;
using PmemFleet.Contracts;

namespace PmemFleet.Chaos.Tests.Fuzz;

/// <summary>The worker protocol, which the OpenAPI document does not have.</summary>
[Collection(ChaosSuite.Name)]
public sealed class ProtocolFuzzTests(ChaosServer server)
{
    private const string Honest = "honest-host";

    /// <summary>What the rogue's host is asked for, so that there are tasks to lie about.</summary>
    private static readonly (string Path, string Body)[] Asked =
    [
        ("scrubs", "{}"), ("media-errors", """{"dimm":"nmem0","offset":4096,"length":512}"""), ("namespaces/namespace0.0/disable", "{}"), ("namespaces/namespace0.0/enable", "{}"),
        ("regions/region0/disable", "{}"), ("regions/region0/enable", "{}"), ("power", """{"action":"cycle"}"""), ("dimms/nmem0/health/inject", """{"mediaTemperature":50}"""),
    ];

    /// <summary>
    /// Good bodies of join and sync with something wrong at any depth: never a 500, always an answer, a refused one changes no row, and afterwards the
    /// worker that was honest all the time works, its host's media and rows say the same, and the rogue itself may be honest again.
    /// </summary>
    [Fact]
    public async Task JoinAndSync_WithHostileBodies_AreRefusedInOrderAndHurtNobody()
    {
        await using var fleet = await ChaosFleet.StartAsync(server, new FleetShape { Replicas = 1, Workers = 1, LeaseSeconds = 30 });
        using var joining = fleet.NewClient(ChaosFleet.JoinToken, fleet.ReplicaUrls[0]);
        await using var digest = new FleetDigest(fleet);
        using var rogue = new RogueWorker(fleet);
        var random = ChaosRun.Choices("protocol");
        await fleet.CreateHostAsync(Honest, dimms: 1);
        await MakeRogueHostAsync(fleet, rogue);
        var findings = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var statuses = new SortedDictionary<string, int>(StringComparer.Ordinal);
        var (clock, heartbeat) = (Stopwatch.StartNew(), Stopwatch.StartNew());
        var duration = ChaosRun.Duration(TimeSpan.FromSeconds(10));
        for (var round = 0; round < 40 || clock.Elapsed < duration; round++)
        {
            var isJoin = random.Next(4) == 0;
            if (!isJoin && rogue.Open == 0)
            {
                await AskAsync(fleet, rogue, HostileValues.Pick(random, Asked));
            }
            else if (heartbeat.Elapsed > TimeSpan.FromSeconds(5))
            {
                await rogue.SettleAsync();
                heartbeat.Restart();
            }

            var good = isJoin
                ? JsonSerializer.SerializeToNode(RogueWorker.Joining("joiner", "nowhere", Guid.CreateVersion7()), FleetJsonContext.Default.JoinRequest)!
                : JsonSerializer.SerializeToNode(rogue.Everything(), FleetJsonContext.Default.SyncRequest)!;
            var (name, path, http) = isJoin ? ("join", "/v1/workers/join", joining) : ("sync", RogueWorker.Path, rogue.Http);
            var request = new HostileRequest("POST", path, Spoil(random, good), "application/json", []);
            var before = await digest.TakeAsync();
            var status = await FuzzedAnswer.AskAsync(http, name, request, findings);
            if (status >= 500)
            {
                // the log of this very moment: later requests write more of it
                findings.TryAdd($"{name}: {status}, round {round}", $"{Encoding.UTF8.GetString(request.Body!)}\n{string.Join('\n', fleet.Replicas[0].Log.TakeLast(60))}");
            }

            statuses[$"{name} {status}"] = statuses.GetValueOrDefault($"{name} {status}") + 1;
            if (status >= 400 && FleetDigest.Difference(before, await digest.TakeAsync()) is { Length: > 0 } difference)
            {
                findings.TryAdd($"{name}: {status}, and yet it changed {difference}", request.ToString());
            }

            if (!isJoin && status is 200 or 409)
            {
                await rogue.SettleAsync();
            }
        }

        server.Report($"protocol fuzz: {string.Join(", ", statuses.Select(pair => $"{pair.Key}: {pair.Value}"))}; {rogue.Joins} joins of the rogue");
        Assert.True(findings.Count == 0, string.Join("\n\n", findings.Select(pair => $"{pair.Key}\n  {pair.Value}")) + "\n" + fleet.Errors());
        Assert.True(statuses.ContainsKey("sync 200") && statuses.ContainsKey("sync 400") && statuses.ContainsKey("join 400"), "the fuzz does not reach the rules");

        // the rogue as an honest worker, and the one that always was
        await rogue.JoinAsync();
        await rogue.SettleAsync();
        await AskAsync(fleet, rogue, Asked[0]);
        await rogue.SettleAsync();
        Assert.Equal("succeeded", await fleet.ScalarAsync<string>("SELECT state FROM operations WHERE kind = 'scrub' ORDER BY id DESC LIMIT 1"));
        await ChaosFleet.MustAsync(fleet.Client.PostAsync($"/v1/hosts/{Honest}/namespaces", new JsonObject { ["mode"] = "sector", ["size"] = "32M" }, "honest-space"));
        await ChaosFleet.MustAsync(fleet.Client.PostAsync($"/v1/hosts/{Honest}/power", new JsonObject { ["action"] = "cycle" }, "honest-power"));
        await FleetVerdict.DemandAgreementAsync(fleet, Honest);
        await FleetVerdict.DemandEventsAsync(fleet);
    }

    private static byte[] Spoil(Random random, JsonNode good)
    {
        if (random.Next(12) == 0)
        {
            return HostileValues.Document(random, good.ToJsonString());
        }

        if (random.Next(2) == 0)
        {
            for (var times = random.Next(3); times >= 0; times--)
            {
                HostileMember.Twist(random, good);
            }

            return Encoding.UTF8.GetBytes(good.ToJsonString());
        }

        // mostly one thing, so that what is right leads far in; a text that was spoiled may be no JSON any more
        return Encoding.UTF8.GetBytes(HostileMember.Spoil(random, good, [.. good.AsObject().Select(member => member.Key)], 0.8));
    }

    private static async Task MakeRogueHostAsync(ChaosFleet fleet, RogueWorker rogue)
    {
        await rogue.JoinAsync();
        using var made = await fleet.Http.PostAsync("/v1/hosts", Json(
            $$"""{"name":"{{RogueWorker.Host}}","mediaPool":"{{RogueWorker.Name}}","dimms":[{"capacity":"64M"},{"capacity":"64M"}],"regions":[{"dimms":["nmem0"]},{"dimms":["nmem1"]}]}"""));
        Assert.True(made.IsSuccessStatusCode, await made.Content.ReadAsStringAsync());
        await rogue.SettleAsync();
    }

    /// <summary>Something for the rogue's host to do, received and not done yet. (Not all of it can be done at any time.)</summary>
    private static async Task AskAsync(ChaosFleet fleet, RogueWorker rogue, (string Path, string Body) one)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/v1/hosts/{RogueWorker.Host}/{one.Path}") { Content = Json(one.Body) };
        request.Headers.Add("Prefer", "respond-async");
        using var answer = await fleet.Http.SendAsync(request);
        Assert.True((int)answer.StatusCode < 500 || (int)answer.StatusCode == 503, await answer.Content.ReadAsStringAsync());
        if (!await rogue.SyncAsync())
        {
            await rogue.SettleAsync();
        }
    }

    private static StringContent Json(string body)
    {
        var content = new StringContent(body, Encoding.UTF8, "application/json");
        content.Headers.ContentType!.CharSet = null;
        return content;
    }
}
