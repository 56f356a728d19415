using System.Collections.Concurrent;
using PmemFleet.Contracts.Sync;
using PmemFleet.Worker.Hosts;
using PmemFleet.Worker.Sync;

namespace PmemFleet.Worker.Tasks;

/// <summary>Runs the tasks of each host strictly in sequence, hosts in parallel.</summary>
internal sealed partial class HostRunner(TaskExecutor executor, LiveHosts hosts, SyncSignal signal, TimeProvider time, ILogger<HostRunner> log)
{
    private static readonly TimeSpan LeasePoll = TimeSpan.FromMilliseconds(200);

    private readonly ConcurrentDictionary<LiveHost, Task> _running = [];

    /// <summary>
    /// Takes the tasks of a host that are neither under way nor wait for their acknowledgement; so a result that was lost is made
    /// again, and the same offer twice changes nothing.
    /// </summary>
    public void Offer(LiveHost host, IReadOnlyList<WorkerTask> tasks)
    {
        var fresh = tasks.Where(task => !host.Store.IsPending(task.TaskId) && host.UnderWay.TryAdd(task.TaskId, true)).OrderBy(task => task.Sequence).ToList();
        if (fresh.Count == 0)
        {
            return;
        }

        host.AcceptedSequence = Math.Max(host.AcceptedSequence, fresh[^1].Sequence);
        var before = _running.GetValueOrDefault(host, Task.CompletedTask);
        _running[host] = RunAsync(before, host, fresh);
    }

    private async Task RunAsync(Task before, LiveHost host, List<WorkerTask> tasks)
    {
        await Task.Yield();
        await before;
        foreach (var task in tasks)
        {
            while (!hosts.LeaseHolds && hosts.FindUnleased(host.Store.HostId) == host)
            {
                await Task.Delay(LeasePoll, time);
            }

            if (hosts.FindUnleased(host.Store.HostId) != host)
            {
                return;
            }

            if (!await RunAsync(host, task))
            {
                await hosts.DropAsync(host.Store.HostId);
                signal.RequestRejoin();
                return;
            }
        }
    }

    private async Task<bool> RunAsync(LiveHost host, WorkerTask task)
    {
        await host.Gate.WaitAsync();
        try
        {
            return executor.Execute(host, task) is not null;
        }
#pragma warning disable CA1031 // one host's broken media must not stop the others
        catch (Exception failure)
#pragma warning restore CA1031
        {
            LogFailed(failure, task.Kind, host.Layout.HostName);
            return false;
        }
        finally
        {
            host.UnderWay.TryRemove(task.TaskId, out _);
            host.Gate.Release();
            signal.Raise();
        }
    }

    [LoggerMessage(EventId = 2002, Level = LogLevel.Error, Message = "{Kind} on {Host} failed; the host is let go and its tasks begin again")]
    private partial void LogFailed(Exception failure, string kind, string host);
}
