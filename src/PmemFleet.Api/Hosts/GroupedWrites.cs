using System.Diagnostics;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Idempotency;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Persistence;

namespace PmemFleet.Api.Hosts;

/// <summary>
/// Group commit: commands on different hosts that come at the same time share one transaction, its statements and its commit. Each runs in a context
/// of its own that never meets the database: what is refused is thrown away with it, and the others do not notice. A host that someone else holds, and
/// every command of a group that failed, goes alone, so nobody waits for, or fails with, another one's host.
/// </summary>
public sealed class GroupedWrites
{
    private readonly IDbContextFactory<FleetDbContext> _contexts;
    private readonly FleetTransactions _transactions;
    private readonly OperationQueue _queue;
    private readonly TimeProvider _time;
    private readonly Gathering<WaitingWrite> _waiting;

    public GroupedWrites(IDbContextFactory<FleetDbContext> contexts, FleetTransactions transactions, OperationQueue queue, TimeProvider time)
    {
        (_contexts, _transactions, _queue, _time) = (contexts, transactions, queue, time);
        _waiting = new Gathering<WaitingWrite>(SharedTransactions.Places, SharedTransactions.Most, write => write.Command.Host, ServeAsync);
    }

    /// <summary>The answer, once it is committed or refused.</summary>
    public async Task<WriteAnswer> RunAsync(HttpContext http, HostCommand command)
    {
        var write = new WaitingWrite(http, command, PresentedKey.Of(http), Activity.Current);
        await _waiting.GiveAsync(write);
        return await write.Answer.Task;
    }

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
        try
        {
            answers = group.Count == 0 ? [] : await _transactions.RunAsync(
                async (db, cancelled) =>
                {
                    saved = false;
                    var end = await AttemptAsync(db, group, cancelled);
                    if (end.Commit)
                    {
                        await db.SaveChangesAsync(cancelled);

                        // what would refuse the commit refuses now, while it is certain that nothing is done
                        await db.Database.ExecuteSqlAsync($"SET CONSTRAINTS ALL IMMEDIATE", cancelled);
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
            // nobody knows whether it is committed: whoever did it again might do it twice
            group.ForEach(write => write.Answer.SetException(inDoubt));
            return;
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

    /// <summary>Null for those that have to go alone.</summary>
    private async Task<TransactionEnd<WriteAnswer?[]>> AttemptAsync(FleetDbContext db, List<WaitingWrite> group, CancellationToken cancelled)
    {
        // what it saves is told to it, change by change
        db.ChangeTracker.AutoDetectChangesEnabled = false;
        var now = _time.GetUtcNow();
        var answers = new WriteAnswer?[group.Count];
        string[] names = [.. group.Select(write => write.Command.Host)];
        var locked = (await db.Hosts.FromSql($"SELECT * FROM hosts WHERE name = ANY({names}) ORDER BY id FOR UPDATE SKIP LOCKED").AsNoTracking().ToListAsync(cancelled))
            .ToDictionary(host => host.Name);
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

        var hosts = (await HostRows.LoadAsync(db, [.. locked.Values], tracked: false, withLabels: true, cancelled)).ToDictionary(rows => rows.Host.Name);
        var commit = false;
        foreach (var (write, place) in group.Select((write, place) => (write, place)))
        {
            if (hosts.TryGetValue(write.Command.Host, out var rows))
            {
                answers[place] = await ApplyAsync(db, write, rows, now);
                commit |= answers[place]!.Problem is null;
            }
        }

        return new TransactionEnd<WriteAnswer?[]>(answers, commit);
    }

    /// <summary>Runs the command in a context of its own; what it changed goes into the group's where it was not refused.</summary>
    private async Task<WriteAnswer> ApplyAsync(FleetDbContext db, WaitingWrite write, HostRows rows, DateTimeOffset now)
    {
        await using var own = await _contexts.CreateDbContextAsync();
        own.TakeWakeUps();
        own.ChangeTracker.AutoDetectChangesEnabled = false;
        foreach (var row in rows.All())
        {
            own.Entry(row).State = EntityState.Unchanged;
        }

        var around = Activity.Current;
        Activity.Current = write.Request;
        try
        {
            var context = new FleetWriteContext(own, write.Http.Request, _queue, now, CancellationToken.None);
            var end = WriteAttempt.Conclude(context, write.Http, write.Command.ApplyTo(HostAggregate.Of(context, rows)), write.Key);
            if (end.Commit)
            {
                Move(own, db);
            }

            return end.Value;
        }
        finally
        {
            Activity.Current = around;
        }
    }

    private static void Move(FleetDbContext from, FleetDbContext to)
    {
        from.ChangeTracker.DetectChanges();
        var changes = from.ChangeTracker.Entries().Where(entry => entry.State is EntityState.Added or EntityState.Modified or EntityState.Deleted);
        foreach (var entry in changes.OrderBy(entry => entry.State != EntityState.Deleted))
        {
            to.Entry(entry.Entity).State = entry.State;
        }

        foreach (var topic in from.TakeWakeUps())
        {
            to.WakeAfterCommit(topic);
        }
    }

    private Task AloneAsync(WaitingWrite write) => SharedTransactions.AloneAsync(write.Answer, write.Request, () => _transactions.RunAsync(
        (db, token) => WriteAttempt.RunAsync(db, write.Http, _queue, _time.GetUtcNow(), write.Command.AloneAsync, token), write.Http.RequestAborted));

    private sealed record WaitingWrite(HttpContext Http, HostCommand Command, PresentedKey? Key, Activity? Request)
    {
        public TaskCompletionSource<WriteAnswer> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
