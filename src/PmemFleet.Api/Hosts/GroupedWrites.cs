using System.Diagnostics;
using Npgsql;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Idempotency;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Sync;
using PmemFleet.Nvdimm.Model;

namespace PmemFleet.Api.Hosts;

/// <summary>
/// Group commit: commands on different hosts that come at the same time share one transaction, its statements and its commit. Each writes into changes
/// of its own that never meet the database: what is refused is thrown away with them, and the others do not notice. A host that someone else holds, and
/// every command of a group that failed, goes alone, so nobody waits for, or fails with, another one's host.
/// </summary>
public sealed class GroupedWrites : IDisposable
{
    /// <summary>How long a group waits for more, while many come; measured: shorter ones are small and cost more, longer ones cost their callers more.</summary>
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(1);

    private readonly FleetTransactions _transactions;
    private readonly OperationQueue _queue;
    private readonly Inboxes _inboxes;
    private readonly WakeUps _wakeUps;
    private readonly TimeProvider _time;
    private readonly Gathering<WaitingWrite> _waiting;

    public GroupedWrites(FleetTransactions transactions, OperationQueue queue, Inboxes inboxes, WakeUps wakeUps, TimeProvider time)
    {
        (_transactions, _queue, _inboxes, _wakeUps, _time) = (transactions, queue, inboxes, wakeUps, time);
        _waiting = new Gathering<WaitingWrite>(SharedTransactions.Places, SharedTransactions.Most, Moment, write => write.Command.Host, ServeAsync);
    }

    /// <summary>The answer, once it is committed or refused.</summary>
    public async Task<WriteAnswer> RunAsync(HttpContext http, HostCommand command)
    {
        var write = new WaitingWrite(http, command, PresentedKey.Of(http), Activity.Current);
        await _waiting.GiveAsync(write);
        return await write.Answer.Task;
    }

    /// <inheritdoc/>
    public void Dispose() => _waiting.Dispose();

    private async Task ServeAsync(IReadOnlyList<WaitingWrite> waiting)
    {
        var group = new List<WaitingWrite>(waiting.Count);
        foreach (var write in waiting)
        {
            if (!write.Http.RequestAborted.IsCancellationRequested)
            {
                group.Add(write);
            }
            else
            {
                write.Answer.SetCanceled(write.Http.RequestAborted);
            }
        }

        using var span = SharedTransactions.StartSpan("write group", [.. waiting.Select(write => write.Request)]);
        WriteAnswer?[] answers;
        var saved = false;
        var handOut = new HandOut();
        try
        {
            answers = group.Count == 0 ? [] : await _transactions.RunAsync(
                async (db, cancelled) =>
                {
                    saved = false;
                    var (end, locked) = await AttemptAsync(db, group, handOut, cancelled);
                    if (end.Commit)
                    {
                        handOut.Give(_inboxes, db.Changes, locked);
                        await SaveAsync(db, cancelled);
                        saved = true;
                    }

                    return end;
                },
                CancellationToken.None);
        }
        catch (Exception) when (!saved)
        {
            // one of them is to blame; alone, it fails alone
            answers = new WriteAnswer?[group.Count];
        }
        catch (Exception inDoubt)
        {
            // nobody knows whether it is committed: whoever did it again might do it twice; the workers look for themselves
            group.ForEach(write => write.Answer.SetException(inDoubt));
            handOut.Doubt(_wakeUps);
            return;
        }

        if (saved)
        {
            handOut.Deliver(_wakeUps);
        }

        foreach (var (write, answer) in group.Zip(answers))
        {
            if (answer is not null)
            {
                write.Answer.SetResult(answer);
            }
            else
            {
                _ = AloneAsync(write);
            }
        }
    }

    /// <summary>An answer is null for those that have to go alone.</summary>
    private async Task<(TransactionEnd<WriteAnswer?[]> End, IReadOnlyList<HostRow> Locked)> AttemptAsync(
        FleetDbContext db, List<WaitingWrite> group, HandOut handOut, CancellationToken cancelled)
    {
        var now = _time.GetUtcNow();
        var answers = new WriteAnswer?[group.Count];
        string[] names = [.. group.Select(write => write.Command.Host)];
        var (begin, rows) = (db.NewTrip(), new List<HostRow>());
        HostLocks.ByName(db, names, begin, rows);
        handOut.AddTo(begin, names);
        await begin.RunAsync(cancelled);
        var locked = rows.ToDictionary(host => host.Name);
        int[] keyed = [.. Enumerable.Range(0, group.Count).Where(place => group[place].Key is not null && locked.ContainsKey(names[place]))];
        if (keyed.Length > 0)
        {
            var claims = await IdempotencyKeys.ClaimAsync(db, [.. keyed.Select(place => group[place].Key!)], now, cancelled);
            foreach (var (place, claim) in keyed.Zip(claims).Where(pair => pair.Second.State != ClaimState.Fresh))
            {
                answers[place] = WriteAttempt.AnswerOf(claim);
                locked.Remove(names[place]);
            }
        }

        var hosts = (await LockedHosts.LoadAsync(db, [.. locked.Values], cancelled)).ToDictionary(host => host.Rows.Host.Name);
        var commit = false;
        foreach (var (write, place) in group.Select((write, place) => (write, place)))
        {
            if (hosts.TryGetValue(write.Command.Host, out var host))
            {
                answers[place] = Apply(db, write, host.Rows, host.Bus, now);
                commit |= answers[place]!.Problem is null;
            }
        }

        return (new TransactionEnd<WriteAnswer?[]>(answers, commit), rows);
    }

    private static async Task SaveAsync(FleetDbContext db, CancellationToken cancelled)
    {
        var trip = db.NewTrip();
        db.Changes.SaveWith(trip);

        // what would refuse the commit refuses now, while it is certain that nothing is done
        trip.Add(new NpgsqlBatchCommand("SET CONSTRAINTS ALL IMMEDIATE"));
        await trip.RunAsync(cancelled);
    }

    /// <summary>Runs the command over changes of its own; where it was not refused, they become the group's.</summary>
    private WriteAnswer Apply(FleetDbContext db, WaitingWrite write, HostRows rows, Bus? bus, DateTimeOffset now)
    {
        var own = db.Changes.New();
        own.Attach(rows.Host);
        var around = Activity.Current;
        Activity.Current = write.Request;
        try
        {
            var context = new FleetWriteContext(own, write.Http.Request, _queue, now);
            var host = HostAggregate.Of(context, rows, bus);
            var end = WriteAttempt.Conclude(context, write.Http, write.Command.ApplyTo(host), write.Key);
            if (end.Commit)
            {
                db.Changes.Take(own);
                LockedHosts.KeepAfterCommit(db, host);
            }

            return end.Value;
        }
        finally
        {
            Activity.Current = around;
        }
    }

    private Task AloneAsync(WaitingWrite write) => SharedTransactions.AloneAsync(write.Answer, write.Request, () => _transactions.RunAsync(
        (db, token) => WriteAttempt.RunAsync(db, write.Http, _queue, _time.GetUtcNow(), write.Command.AloneAsync, token), write.Http.RequestAborted));

    private sealed record WaitingWrite(HttpContext Http, HostCommand Command, PresentedKey? Key, Activity? Request)
    {
        public TaskCompletionSource<WriteAnswer> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
