using PmemFleet.Contracts.Sync;
using PmemFleet.Worker.Hosts;
using PmemFleet.Worker.Media;
using PmemFleet.Worker.Sync;

namespace PmemFleet.Worker.Tasks;

/// <summary>
/// Runs the tasks of each host strictly in sequence (long ones beside it: <see cref="LongTaskLane"/>), hosts in parallel, as many at a time as the machine carries. A task that fails for the
/// worker's own reasons (a full disk, say) is tried again until it succeeds: the hosts beside it go on.
/// </summary>
internal sealed partial class HostRunner(TaskExecutor executor, LongTaskLane lane, LiveHosts hosts, SyncSignal signal, TimeProvider time, ILogger<HostRunner> log)
    : IDisposable
{
    private static readonly TimeSpan LeasePoll = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _slots = new(Math.Max(4, 2 * Environment.ProcessorCount));

    private enum Verdict
    {
        Done,
        Beside,
        TryAgain,
        Dropped,
    }

    /// <summary>
    /// Takes the tasks of a host that are neither under way nor wait for their acknowledgement; so a result that was lost is made
    /// again, and the same offer twice changes nothing.
    /// </summary>
    public void Offer(LiveHost host, IReadOnlyList<WorkerTask> tasks)
    {
        var fresh = tasks.Where(task => !host.Store.IsPending(task.TaskId) && host.UnderWay.TryAdd(task.TaskId, true)).OrderBy(task => task.Sequence).ToList();
        if (fresh.Count > 0)
        {
            host.AcceptedSequence = Math.Max(host.AcceptedSequence, fresh[^1].Sequence);
            host.Work = RunAsync(host.Work, host, fresh);
        }
    }

    public void Dispose() => _slots.Dispose();

    private async Task RunAsync(Task before, LiveHost host, List<WorkerTask> tasks)
    {
        await Task.Yield();
        await before;
        foreach (var task in tasks)
        {
            var pause = LeasePoll;
            Verdict verdict;
            while ((verdict = await TryAsync(host, task)) == Verdict.TryAgain)
            {
                await Task.Delay(hosts.LeaseHolds ? pause : LeasePoll, time);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }

            if (verdict == Verdict.Beside)
            {
                continue;
            }

            host.UnderWay.TryRemove(task.TaskId, out _);
            host.Cancelled.TryRemove(task.TaskId, out _);
            signal.Raise();
            if (verdict == Verdict.Dropped)
            {
                return;
            }
        }
    }

    private async Task<Verdict> TryAsync(LiveHost host, WorkerTask task)
    {
        await _slots.WaitAsync();
        await host.Gate.WaitAsync();
        try
        {
            if (host.IsDropped)
            {
                return Verdict.Dropped;
            }

            if (!hosts.LeaseHolds)
            {
                return Verdict.TryAgain;
            }

            if (LongTaskLane.Takes(task) && TaskExecutor.FindResult(host, task) is null)
            {
                return lane.Begin(host, task) ? Verdict.Done : Verdict.Beside;
            }

            executor.Execute(host, task);
            return Verdict.Done;
        }
        catch (FencedException)
        {
            LogFenced(task.Kind, host.Layout.HostName, host.Store.Epoch);
        }
#pragma warning disable CA1031 // one host's broken media must not stop the others
        catch (Exception failure)
#pragma warning restore CA1031
        {
            LogFailed(failure, task.Kind, host.Layout.HostName);
            return Verdict.TryAgain;
        }
        finally
        {
            host.Gate.Release();
            _slots.Release();
            await hosts.DropWhenLostAsync(host);
        }

        await hosts.DropAsync(host.Store.HostId, host);
        return Verdict.Dropped;
    }

    [LoggerMessage(EventId = 2002, Level = LogLevel.Error, Message = "{Kind} on {Host} failed; it is tried again")]
    private partial void LogFailed(Exception failure, string kind, string host);

    [LoggerMessage(EventId = 2003, Level = LogLevel.Warning, Message = "{Kind} on {Host} is not done: epoch {Epoch} is over; the host is let go")]
    private partial void LogFenced(string kind, string host, long epoch);
}
