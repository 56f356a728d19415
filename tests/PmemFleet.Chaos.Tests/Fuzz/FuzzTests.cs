using System.Diagnostics;
using PmemFleet.Chaos.Tests.Support;

namespace PmemFleet.Chaos.Tests.Fuzz;

[Collection(ChaosSuite.Name)]
public sealed class FuzzTests(ChaosServer server)
{
    /// <summary>A request that was accepted, and that the worker refused then, leaves its operation behind, and nothing else: its task is deleted.</summary>
    private const string FailedOperation = "events, hosts, operations";

    /// <summary>Requests with nothing wrong, where none of the hostile ones met what the operation names.</summary>
    private const int MostGood = 20;

    /// <summary>
    /// Every operation of the document with one to three things wrong: never a 500, always an answer, every refusal a problem document with errno and
    /// rule, and nothing changed by a refused request, in no row and on no DIMM.
    /// </summary>
    [Fact]
    public async Task Operation_EachWithHostileInput_IsRefusedInOrderAndChangesNothing()
    {
        await using var fleet = await ChaosFleet.StartAsync(server, new FleetShape { Replicas = 1, Workers = 1, LeaseSeconds = 30 });
        using var http = fleet.NewClient(ChaosFleet.AdminKey, fleet.ReplicaUrls[0]);
        await using var digest = new FleetDigest(fleet);
        var random = ChaosRun.Choices("fuzz");
        var host = new FuzzedHost(fleet, random);
        var requests = new HostileRequests(random, host.Known);
        var findings = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var statuses = new SortedDictionary<int, int>();
        var unmet = ApiDocument.Operations.ToDictionary(operation => operation.ToString(), _ => new SortedDictionary<int, int>());
        var clock = Stopwatch.StartNew();
        var duration = ChaosRun.Duration(TimeSpan.FromSeconds(28));
        for (var round = 0; round == 0 || clock.Elapsed < duration; round++)
        {
            foreach (var operation in ApiDocument.Operations.TakeWhile(_ => round == 0 || clock.Elapsed < duration))
            {
                var isNew = await host.EnsureAsync(operation);
                var before = !operation.IsWrite ? null : isNew ? await SettleAsync(fleet, digest) : await digest.TakeAsync();
                var hostile = operation.IsWrite ? 8 : 5;
                for (var i = 0; i < hostile || (i < hostile + MostGood && unmet.ContainsKey(operation.ToString())); i++)
                {
                    var request = requests.Make(operation, i < hostile);
                    var status = await FuzzedAnswer.AskAsync(http, operation.ToString(), request, findings);
                    statuses[status] = statuses.GetValueOrDefault(status) + 1;
                    if (HasMet(status))
                    {
                        unmet.Remove(operation.ToString());
                    }
                    else if (unmet.TryGetValue(operation.ToString(), out var refusals))
                    {
                        refusals[status] = refusals.GetValueOrDefault(status) + 1;
                    }

                    if (before is null)
                    {
                        continue;
                    }

                    var after = status < 400 ? await SettleAsync(fleet, digest) : await digest.TakeAsync();
                    if (status is 409 or 422 && FailsHalfWay.Contains(operation.ToString()) && FleetDigest.Difference(before, after).Contains("operations", StringComparison.Ordinal))
                    {
                        after = await SettleAsync(fleet, digest);
                    }
                    else if (status >= 400 && FleetDigest.Difference(before, after) is { Length: > 0 } difference && difference != FailedOperation)
                    {
                        findings.TryAdd($"{operation}: {status}, and yet it changed {difference}", request.ToString());
                    }

                    before = after;
                }
            }
        }

        server.Report($"fuzz: {statuses.Values.Sum()} requests of {ApiDocument.Operations.Count} operations: {string.Join(", ", statuses.Select(pair => $"{pair.Key}: {pair.Value}"))}; {host.Made} hosts");
        Assert.True(findings.Count == 0, string.Join("\n\n", findings.Select(pair => $"{pair.Key}\n  {pair.Value}")) + "\n" + fleet.Errors());
        Assert.True(statuses.GetValueOrDefault(422) > 0 && statuses.GetValueOrDefault(400) > 0 && statuses.GetValueOrDefault(404) > 0, "the fuzz does not reach the rules");
        Assert.True(unmet.Count == 0, "the fuzz never met what these name:\n" + string.Join('\n', unmet.Select(pair => $"{pair.Key}: {string.Join(", ", pair.Value.Select(refusal => $"{refusal.Value} × {refusal.Key}"))}")));
    }

    /// <summary>Where an operation was accepted and failed, these leave what the tools of Linux leave: a disabled namespace, the blocks before the refused one.</summary>
    private static readonly HashSet<string> FailsHalfWay =
    [
        "POST /v1/hosts/{host}/dax-devices/{device}/reconfigure", "POST /v1/hosts/{host}/namespaces/{namespace}/check",
        "POST /v1/hosts/{host}/namespaces/{namespace}/reconfigure", "POST /v1/hosts/{host}/namespaces/{namespace}/enable",
        "POST /v1/hosts/{host}/namespaces", "POST /v1/hosts/{host}/media-errors", "POST /v1/hosts/{host}/media-errors/uninject",
        "POST /v1/hosts/{host}/media-errors/clear",
    ];

    /// <summary>Whether the rules have looked at it: what is malformed is refused before, and 404 is nothing to look at.</summary>
    private static bool HasMet(int status) => status is (>= 200 and < 300) or 409 or 412 or 422;

    /// <summary>After a success the worker may have something to do that no operation speaks of: a new DIMM's media.</summary>
    private static async Task<Dictionary<string, string>> SettleAsync(ChaosFleet fleet, FleetDigest digest)
    {
        await fleet.QuietAsync();
        var now = await digest.TakeAsync();
        while (true)
        {
            await Task.Delay(150);
            var next = await digest.TakeAsync();
            if (FleetDigest.Difference(now, next).Length == 0)
            {
                return next;
            }

            now = next;
        }
    }
}
