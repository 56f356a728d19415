using System.Collections.Concurrent;
using System.Diagnostics;
using PmemFleet.Chaos.Tests.Support;

namespace PmemFleet.Chaos.Tests.Crashes;

[Collection(ChaosSuite.Name)]
public sealed class CrashTests(ChaosServer server)
{
    /// <summary>The short form is to meet many points; in the whole matrix, what is run twice at the ends of units is to cost little.</summary>
    private const int FewSequences = 5;
    private const int ManySequences = 49;
    private static readonly TimeSpan ReportInterval = TimeSpan.FromMinutes(2);

    /// <summary>
    /// Every sequence of up to three commands, each struck after one of its commits or before a reply: the client's retry with the same key gives the
    /// same answer, there is one effect, and all that was acknowledged before is still so. The short form takes a sample; the whole matrix is asked for.
    /// </summary>
    [Fact]
    public async Task Command_StruckAfterEachCommitAndBeforeEachReply_HasOneEffectAndOneAnswer()
    {
        var random = ChaosRun.Choices("crashes");
        var units = CrashWalk.Units(CrashPlan.IsWhole ? ManySequences : FewSequences).Where((_, number) => CrashPlan.Part.Holds(number)).ToArray();
        random.Shuffle(units);
        var left = new ConcurrentQueue<CrashUnit>(units);
        var account = new CrashAccount();
        var lanes = new List<CrashLane>();
        try
        {
            // one after the other: databases are copied from one template
            while (lanes.Count < CrashPlan.Lanes)
            {
                lanes.Add(await CrashLane.StartAsync(server, new Random(random.Next())));
            }

            var clock = Stopwatch.StartNew();
            using var stop = CrashPlan.Duration is { } duration ? new CancellationTokenSource(duration) : new CancellationTokenSource();
            string Progress() => $"crashes, {lanes.Count} lanes, {clock.Elapsed.TotalSeconds:F0} s, {units.Length - left.Count} of {units.Length} units begun: {account}";
            await using (new Timer(_ => server.Report(Progress()), null, ReportInterval, ReportInterval))
            {
                await Task.WhenAll(lanes.Select(lane => Task.Run(() => WorkAsync(lane, left, account, stop))));
            }

            server.Report(Progress());
            account.Demand();
            Assert.True(account.Commands > 0, "nothing was run");
        }
        finally
        {
            foreach (var lane in lanes)
            {
                await lane.DisposeAsync();
            }
        }
    }

    /// <summary>Takes from the list until it is empty; where one lane fails, the others stop.</summary>
    private static async Task WorkAsync(CrashLane lane, ConcurrentQueue<CrashUnit> left, CrashAccount account, CancellationTokenSource stop)
    {
        try
        {
            while (!stop.IsCancellationRequested && left.TryDequeue(out var unit))
            {
                await lane.RunAsync(unit, account, stop.Token);
            }
        }
        catch (InvalidOperationException)
        {
            await stop.CancelAsync();
            throw;
        }
    }
}
