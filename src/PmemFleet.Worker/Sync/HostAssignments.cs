using PmemFleet.Contracts.Sync;
using PmemFleet.Contracts.Workers;
using PmemFleet.Worker.Hosts;
using PmemFleet.Worker.Media;
using PmemFleet.Worker.Tasks;

namespace PmemFleet.Worker.Sync;

/// <summary>Makes what this worker holds what a sync's answer says it holds; the same answer twice changes nothing.</summary>
internal sealed partial class HostAssignments(
    WorkerOptions options, LiveHosts hosts, HostRunner runner, PoolFolder pool, MediaRoom room, HostConditions conditions, ILogger<HostAssignments> log)
{
    private const int LongestMessage = 2000;

    /// <summary>Asks the Api whether a host, whose folder is not there, was up before; set by the loop that has joined.</summary>
    public Func<Guid, Task<bool>> WasUp { get; set; } = _ => Task.FromResult(false);

    /// <summary>False where a host that is this worker's could not be taken.</summary>
    public async Task<bool> ApplyAsync(SyncResponse response)
    {
        if (response is { Partial: true, HostsDigest: null or "" })
        {
            // whose the hosts are is not said: what is acknowledged may have been of one that is another's, and is brought once more
            return true;
        }

        var mine = response.Hosts.ToDictionary(assignment => assignment.HostId);
        foreach (var host in hosts.All)
        {
            // a result is applied under the epoch that its host still has; the others are acknowledged without any effect, and their tasks come again
            if (mine.TryGetValue(host.Store.HostId, out var assignment) ? assignment.Epoch == host.Store.Epoch : response.Partial)
            {
                Acknowledge(host, response);
            }
            else
            {
                LogDropped(host.Store.HostId);
                await hosts.DropAsync(host.Store.HostId);
            }
        }

        if (!response.Partial)
        {
            conditions.Keep(mine.Keys.ToHashSet());
        }

        var isAllHeld = true;
        foreach (var assignment in response.Hosts)
        {
            try
            {
                isAllHeld &= await ApplyAsync(assignment, response);
            }
#pragma warning disable CA1031 // one host's broken media must not stop the others
            catch (Exception failure)
#pragma warning restore CA1031
            {
                LogNotTaken(failure, assignment.HostId);
                conditions.Set(new HostCondition
                {
                    HostId = assignment.HostId,
                    Epoch = assignment.Epoch,
                    Code = CodeOf(failure),
                    Message = failure.Message.Length > LongestMessage ? failure.Message[..LongestMessage] : failure.Message,
                });
                isAllHeld = false;
            }
        }

        if (response is { Partial: true, CancelledTasks.Count: > 0 })
        {
            // one with nothing to do but to stop is not named
            foreach (var host in hosts.All)
            {
                Cancel(host, [], response);
            }
        }

        return isAllHeld;
    }

    private static void Acknowledge(LiveHost host, SyncResponse response)
    {
        foreach (var taskId in response.AcknowledgedResults)
        {
            host.Store.Forget(taskId);
        }

        foreach (var observation in response.AcknowledgedObservations)
        {
            host.Acknowledge(observation);
        }
    }

    private async Task<bool> ApplyAsync(HostAssignment assignment, SyncResponse response)
    {
        var held = hosts.FindUnleased(assignment.HostId);
        if (held is null)
        {
            if (assignment.Layout is null)
            {
                return false;
            }

            if (hosts.HasEnded(assignment.HostId, assignment.Epoch))
            {
                // nothing of it runs any more; a condition that says why is kept
                if (!conditions.Hosts.Any(known => known.HostId == assignment.HostId && known.Epoch == assignment.Epoch))
                {
                    conditions.Set(new HostCondition
                    {
                        HostId = assignment.HostId,
                        Epoch = assignment.Epoch,
                        Code = "host-let-go",
                        Message = "The worker has let the host go, and takes it again when it boots.",
                        WantsBoot = true,
                    });
                }

                return false;
            }

            pool.Demand();
            var isNew = assignment.Epoch <= 1 || HostStore.IsThere(options.DataDirectory, assignment.HostId) || !await WasUp(assignment.HostId);
            if (HostStore.TryOpen(options.DataDirectory, assignment.HostId, assignment.Epoch, isNew, room) is not { } store)
            {
                LogNewerEpoch(assignment.HostId, assignment.Epoch);
                return false;
            }

            held = new LiveHost(store, assignment.Layout, assignment.Generation);
            hosts.Hold(held);
            conditions.Clear(assignment.HostId);
        }
        else if (assignment.Layout is not null && assignment.Generation > held.Generation)
        {
            await held.Gate.WaitAsync();
            try
            {
                held.Apply(assignment.Layout, assignment.Generation);
            }
            finally
            {
                held.Gate.Release();
            }
        }

        Cancel(held, assignment.Tasks, response);
        runner.Offer(held, assignment.Tasks);
        return true;
    }

    private static string CodeOf(Exception failure) => failure switch
    {
        MediaFailureException media => media.Code,
        InvalidDataException => "media-damaged",
        IOException full when DiskErrors.IsFull(full) => "media-full",
        _ => "media-unavailable",
    };

    private static void Cancel(LiveHost host, IReadOnlyList<WorkerTask> coming, SyncResponse response)
    {
        foreach (var taskId in response.CancelledTasks.Where(id => host.UnderWay.ContainsKey(id) || coming.Any(task => task.TaskId == id)))
        {
            host.Cancelled.TryAdd(taskId, true);
            if (host.LongTasks.TryGetValue(taskId, out var running))
            {
                running.Stop(null);
            }
        }
    }

    [LoggerMessage(EventId = 1007, Level = LogLevel.Error, Message = "Host {HostId} cannot be taken; it is tried again")]
    private partial void LogNotTaken(Exception failure, Guid hostId);

    [LoggerMessage(EventId = 1008, Level = LogLevel.Warning, Message = "Host {HostId} was given under epoch {Epoch}, but its media is under a newer one")]
    private partial void LogNewerEpoch(Guid hostId, long epoch);

    [LoggerMessage(EventId = 1004, Level = LogLevel.Information, Message = "Host {HostId} is another worker's now")]
    private partial void LogDropped(Guid hostId);
}
