using System.Diagnostics;
using System.Text.Json.Nodes;
using PmemFleet.Chaos.Tests.Kills;
using PmemFleet.Chaos.Tests.Support;
using PmemFleet.Chaos.Tests.Wires;

namespace PmemFleet.Chaos.Tests.Crashes;

[Collection(ChaosSuite.Name)]
public sealed class CrashTests(ChaosServer server)
{
    private const string Host = "crash";

    /// <summary>
    /// Every sequence of up to three commands, each struck after one of its commits or before its reply: the client's retry with the same key gives the
    /// same answer, and there is one effect. The short form takes a sample; a long run goes through all sequences with all points.
    /// </summary>
    [Fact]
    public async Task Command_StruckAfterEachCommitAndBeforeEachReply_HasOneEffectAndOneAnswer()
    {
        await using var wire0 = new PostgresWire(server.Postgres.Port);
        await using var wire1 = new PostgresWire(server.Postgres.Port);
        await using var fleet = await ChaosFleet.StartAsync(server, new FleetShape { Workers = 1, PostgresPorts = [wire0.Port, wire1.Port] });
        await fleet.CreateHostAsync(Host, dimms: 1);
        var trigger = new CrashTrigger { KillReplica = replica => fleet.Replicas[replica].Kill(), KillWorker = () => fleet.Workers[0].Kill() };
        wire0.Committed = statements => trigger.OnCommit(0, statements);
        wire1.Committed = statements => trigger.OnCommit(1, statements);
        fleet.Front.Choose = request => trigger.OnRequest(CrashKind.ReplyLost, request);
        fleet.WorkerWire.Choose = request => trigger.OnRequest(CrashKind.SyncReplyLost, request);

        using var stop = new CancellationTokenSource();
        var supervision = fleet.SuperviseAsync(stop.Token);
        var random = ChaosRun.Choices("crashes");
        var load = new RegionLoad(fleet.Client, Host, 0, new Random(random.Next()));
        var loads = new Dictionary<string, RegionLoad[]> { [Host] = [load] };
        var clock = Stopwatch.StartNew();
        var duration = ChaosRun.Duration(TimeSpan.FromSeconds(25));
        var (runs, commands) = (0, 0);
        (TimeSpan Time, string What) slowest = (TimeSpan.Zero, "none");
        foreach (var (sequence, points) in Plan(random).TakeWhile(_ => clock.Elapsed < duration))
        {
            try
            {
                if (load.Namespaces.Count == 0)
                {
                    await load.CreateAsync();
                }

                foreach (var (command, point) in sequence.Zip(points))
                {
                    trigger.Arm(point);
                    var start = clock.Elapsed;
                    var repeatable = await load.RunAsync(command);
                    trigger.Disarm();
                    slowest = clock.Elapsed - start > slowest.Time ? (clock.Elapsed - start, $"{command} with {point}") : slowest;
                    commands++;
                    if (repeatable)
                    {
                        await DemandSameAnswerAsync(fleet);
                    }
                }

                await FleetVerdict.DemandAsync(fleet, loads);
                while (load.Namespaces.Count > 1)
                {
                    await load.DestroyAsync(load.Namespaces[0]);
                }

                runs++;
            }
            catch (Exception failure) when (failure is not OutOfMemoryException)
            {
                throw new InvalidOperationException($"{string.Join(", ", sequence.Zip(points))}: {failure.Message}\n{fleet.Errors()}", failure);
            }
        }

        await stop.CancelAsync();
        await supervision;
        server.Report($"crashes: {runs} runs, {commands} commands in {clock.Elapsed.TotalSeconds:F0} s, slowest {slowest.What}: {slowest.Time.TotalSeconds:F1} s; struck: {string.Join(", ", trigger.Fired.Select(pair => $"{pair.Value} × {pair.Key}"))}");
        Assert.True(trigger.Fired.Count > 0, "nothing was struck");
    }

    /// <summary>Short: sequences at random, each command with a point of its own. Long: all of them, each with every point.</summary>
    private static IEnumerable<(IReadOnlyList<Command> Sequence, IReadOnlyList<CrashPoint> Points)> Plan(Random random)
    {
        var all = CommandSequences.All.ToArray();
        random.Shuffle(all);
        if (!ChaosRun.IsLong)
        {
            return all.Select(sequence => (sequence, (IReadOnlyList<CrashPoint>)[.. sequence.Select(_ => CrashPoint.All[random.Next(CrashPoint.All.Count)])]));
        }

        return from point in CrashPoint.All from sequence in all select (sequence, (IReadOnlyList<CrashPoint>)[.. sequence.Select(_ => point)]);
    }

    private static async Task DemandSameAnswerAsync(ChaosFleet fleet)
    {
        var (then, now) = await fleet.Client.RepeatLastPost!();
        Assert.Equal(then.IsSuccess, now.IsSuccess);
        if (then.IsSuccess)
        {
            Assert.True(now.Replayed, $"the same key did it anew: {now}");
            Assert.True(then.Body is null || JsonNode.DeepEquals(then.Body, now.Body), $"the same key gave {then} and then {now}");
        }
    }
}
