using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using PmemFleet.Chaos.Tests.Support;

namespace PmemFleet.Chaos.Tests.Fuzz;

[Collection(ChaosSuite.Name)]
public sealed class MixedKeyTests(ChaosServer server)
{
    private const int Keys = 6;

    /// <summary>
    /// Few Idempotency-Keys, many requests at once over two replicas: the same request again, another body, another path, a request that is refused. A key
    /// stands for one effect, which every replay of it shows; every other use of it is 422 or 409, and changes nothing.
    /// </summary>
    [Fact]
    public async Task Keys_ReplayedAndMixedAtOnce_StandForOneEffectEach()
    {
        await using var fleet = await ChaosFleet.StartAsync(server, new FleetShape { Workers = 0 });
        var random = ChaosRun.Choices("keys");
        var outcomes = new SortedDictionary<string, int>(StringComparer.Ordinal);
        var clock = Stopwatch.StartNew();
        var duration = ChaosRun.Duration(TimeSpan.Zero);
        var (rounds, made) = (0, 0);
        do
        {
            // each round has keys and names of its own: used-up ones show nothing new
            var round = rounds++;
            var plans = Enumerable.Range(0, 240).Select(_ => (Key: $"{round}-{random.Next(Keys)}", Kind: random.Next(4), Body: random.Next(3))).ToList();
            var answers = new List<KeyedAnswer>();
            foreach (var batch in plans.Chunk(24))
            {
                answers.AddRange(await Task.WhenAll(batch.Select(plan => AskAsync(fleet, plan.Key, plan.Kind, plan.Body))));
            }

            made += DemandOneEffectEach(answers);
            Assert.Equal(made, await fleet.ScalarAsync<long>("SELECT count(*) FROM hosts"));
            Assert.Equal(made, await fleet.ScalarAsync<long>("SELECT count(*) FROM idempotency_keys"));
            Assert.Equal(made, await fleet.ScalarAsync<long>("SELECT count(*) FROM events WHERE type = 'host.created'"));
            foreach (var answer in answers)
            {
                var outcome = $"{answer.Status} {answer.Code}";
                outcomes[outcome] = outcomes.GetValueOrDefault(outcome) + 1;
            }
        }
        while (clock.Elapsed < duration);

        server.Report($"keys: {outcomes.Values.Sum()} requests with {rounds * Keys} keys: {string.Join(", ", outcomes.Select(pair => $"{pair.Key}: {pair.Value}"))}");
    }

    /// <summary>How many effects there were.</summary>
    private static int DemandOneEffectEach(List<KeyedAnswer> answers)
    {
        foreach (var key in answers.GroupBy(answer => answer.Key))
        {
            var effects = key.Where(answer => answer.Status is 200 or 201 or 202).ToList();
            Assert.True(effects.Select(answer => answer.Request).Distinct().Count() <= 1, $"key {key.Key} stands for {string.Join(" and ", effects.Select(answer => answer.Request).Distinct())}");
            Assert.True(effects.Select(answer => answer.Text).Distinct().Count() <= 1, $"key {key.Key} gave {string.Join(" and ", effects.Select(answer => answer.Text).Distinct())}");
            Assert.All(key.Except(effects), other => Assert.True(other.Status is 422 or 409, $"{other}"));
        }

        return answers.Where(answer => answer.Status == 201).Select(answer => answer.Text).Distinct().Count();
    }

    private static async Task<KeyedAnswer> AskAsync(ChaosFleet fleet, string key, int kind, int body)
    {
        var content = kind switch
        {
            // refused: leaves its key free
            0 => new JsonObject { ["name"] = "UPPER CASE" },
            _ => new JsonObject { ["name"] = $"keyed-{key}-{body}", ["mediaPool"] = "nowhere" },
        };
        var path = kind == 1 ? "/v1/hosts?dryRun=false" : "/v1/hosts";
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(content.ToJsonString(), Encoding.UTF8, "application/json") };
        request.Headers.Add("Idempotency-Key", $"mixed-{key}");
        using var response = await fleet.Http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        var code = (int)response.StatusCode >= 400 ? (string?)JsonNode.Parse(text)!["code"] ?? string.Empty : string.Empty;
        Assert.True((int)response.StatusCode < 500, text);
        return new KeyedAnswer(key, $"{path} {content.ToJsonString()}", (int)response.StatusCode, code, text);
    }

    private sealed record KeyedAnswer(string Key, string Request, int Status, string Code, string Text);
}
