using System.Diagnostics;
using System.Text;
using PmemFleet.Chaos.Tests.Support;

namespace PmemFleet.Chaos.Tests.Fuzz;

[Collection(ChaosSuite.Name)]
public sealed class YamlTests(ChaosServer server)
{
    private const int Times = 100_000;

    /// <summary>The fuzz sends few documents in YAML; these are all it has, and what opens a hundred thousand things and ends none.</summary>
    [Fact]
    public async Task Yaml_ThatIsNoFleet_IsRefusedInTimeAndChangesNothing()
    {
        await using var fleet = await ChaosFleet.StartAsync(server, new FleetShape { Replicas = 1, Workers = 0 });
        using var http = fleet.NewClient(ChaosFleet.AdminKey, fleet.ReplicaUrls[0]);
        var findings = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var slowest = (Elapsed: TimeSpan.Zero, Shown: string.Empty);
        var documents = HostileYaml.Documents.Concat(HostileYaml.Openings.Select(opening => HostileYaml.Deep(opening, Times))).ToList();
        foreach (var document in documents)
        {
            var shown = document[..Math.Min(document.Length, 60)].ReplaceLineEndings("⏎");
            var clock = Stopwatch.StartNew();
            var status = await FuzzedAnswer.AskAsync(
                http, $"PUT /v1/fleet: {shown}", new HostileRequest("PUT", "/v1/fleet", Encoding.UTF8.GetBytes(document), "application/yaml", [("If-Match", "*")]), findings);
            slowest = clock.Elapsed > slowest.Elapsed ? (clock.Elapsed, shown) : slowest;
            if (status is not (>= 400 and < 500))
            {
                findings.TryAdd($"{status}: {shown}", document[..Math.Min(document.Length, 400)]);
            }
        }

        server.Report($"YAML: {documents.Count} documents; the slowest took {slowest.Elapsed.TotalMilliseconds:F0} ms: {slowest.Shown}");
        Assert.True(findings.Count == 0, string.Join("\n\n", findings.Select(pair => $"{pair.Key}\n  {pair.Value}")) + "\n" + fleet.Errors());
        Assert.Equal(0L, await fleet.ScalarAsync<long>("SELECT count(*) FROM hosts"));
    }
}
