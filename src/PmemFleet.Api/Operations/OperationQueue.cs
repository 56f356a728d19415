using System.Diagnostics;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Operations;

/// <summary>What is asked of a worker.</summary>
/// <param name="Kind">Names the <see cref="ITaskCompletion"/>, such as <c>create-namespace</c>.</param>
/// <param name="Steps">What the worker does, in order.</param>
/// <param name="Actor">Who asks: <c>FleetWriteContext.Actor</c>, or <c>system</c>.</param>
public sealed record OperationRequest(string Kind, IReadOnlyList<TaskStep> Steps, string Actor)
{
    /// <summary>What it is about, such as <c>namespace0.1</c>.</summary>
    public string? Subject { get; init; }

    /// <summary>Where the resource is.</summary>
    public string? ResourceLocation { get; init; }

    /// <summary>The status of the answer once it succeeded: 200, 201 or 204.</summary>
    public int SuccessStatus { get; init; } = StatusCodes.Status200OK;
}

/// <summary>Puts work into a host's queue. The caller holds the host's lock (<see cref="FleetDbContext.LockHostAsync"/>).</summary>
#pragma warning disable CA1711 // it is the host's queue of operations
public sealed class OperationQueue(TimeProvider time)
#pragma warning restore CA1711
{
    /// <summary>A new operation with its first task, in the caller's transaction.</summary>
    public OperationRow Enqueue(RowChanges changes, HostRow host, OperationRequest request)
    {
        var now = time.GetUtcNow();
        var operation = new OperationRow
        {
            Id = Guid.CreateVersion7(now),
            Kind = request.Kind,
            HostId = host.Id,
            HostName = host.Name,
            Subject = request.Subject,
            ResourceLocation = request.ResourceLocation,
            SuccessStatus = request.SuccessStatus,
            Actor = request.Actor,
            CreatedAt = now,
        };
        changes.Add(operation);
        Follow(changes, host, operation, request.Steps);
        return operation;
    }

    /// <summary>
    /// Ends all open operations of a host that is about to be deleted. Call it before the delete: the tasks go with the host, the
    /// operations stay.
    /// </summary>
    public async Task AbandonAsync(FleetDbContext db, HostRow host, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var open = await db.Operations.Where(operation => operation.HostId == host.Id && operation.EndedAt == null).ToListAsync(cancellationToken);
        foreach (var operation in open)
        {
            (operation.State, operation.EndedAt) = (OperationRow.Cancelled, now);
            operation.Version++;
            db.WakeAfterCommit(WakeUps.Operation(operation.Id));
        }
    }

    /// <summary>One more task of an operation that has not ended.</summary>
    public TaskRow Follow(RowChanges changes, HostRow host, OperationRow operation, IReadOnlyList<TaskStep> steps)
    {
        var now = time.GetUtcNow();
        var task = new TaskRow
        {
            Id = Guid.CreateVersion7(now),
            OperationId = operation.Id,
            HostId = host.Id,
            Sequence = ++host.TaskSequence,
            Kind = operation.Kind,
            Steps = JsonSerializer.Serialize(steps, FleetJsonContext.Default.IReadOnlyListTaskStep),
            TraceParent = Activity.Current?.Id,
            CreatedAt = now,
        };
        changes.Add(task);
        if (host.WorkerId is { } worker)
        {
            changes.WakeAfterCommit(WakeUps.Worker(worker));
        }

        return task;
    }
}
