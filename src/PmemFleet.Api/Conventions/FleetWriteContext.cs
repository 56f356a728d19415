using System.Text.Json;
using PmemFleet.Api.Access;
using PmemFleet.Api.Events;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Conventions;

/// <summary>What one attempt of a write works with.</summary>
public sealed class FleetWriteContext
{
    private readonly HttpRequest _request;
    private readonly OperationQueue _queue;

    internal FleetWriteContext(FleetDbContext db, HttpRequest request, OperationQueue queue, DateTimeOffset now, CancellationToken cancelled)
        : this(db.Changes, request, queue, now) => (Db, Cancelled) = (db, cancelled);

    /// <summary>Of a write that shares its transaction and makes no statement of its own.</summary>
    internal FleetWriteContext(RowChanges changes, HttpRequest request, OperationQueue queue, DateTimeOffset now)
    {
        (Changes, _request, _queue, Now) = (changes, request, queue, now);
        Actor = request.HttpContext.User.ActorName();
    }

    /// <summary>The transaction; only where the write has one for itself.</summary>
    public FleetDbContext Db { get => field ?? throw new InvalidOperationException("a command on one host makes no statement"); }

    /// <summary>What it writes.</summary>
    public RowChanges Changes { get; }

    /// <summary>One time for the whole write.</summary>
    public DateTimeOffset Now { get; }

    public CancellationToken Cancelled { get; }

    /// <summary>Who asks: the key's name.</summary>
    public string Actor { get; }

    internal bool IfMatchChecked { get; private set; }

    internal bool HasEvent { get; private set; }

    /// <summary>A new id that sorts by time.</summary>
    public Guid NewId() => Guid.CreateVersion7(Now);

    /// <summary>
    /// Holds the caller's If-Match against the resource's tag: null where it matches. Every write of an existing resource calls it, under
    /// the lock; a write that does not, while the caller sent one, is refused with 412 and rolled back.
    /// </summary>
    public RefusalDto? CheckIfMatch(string currentEtag)
    {
        IfMatchChecked = true;
        return Etag.Check(_request, currentEtag);
    }

    /// <summary>Something happened that readers of <c>/v1/events</c> see, with the caller as the actor.</summary>
    public void Event(string type, string? host = null, string? subject = null, string? data = null)
    {
        HasEvent = true;
        Changes.AppendEvent(type, Actor, Now, host, subject, data);
    }

    /// <summary>Work for the host's worker; answer with <see cref="WriteOutcome.Accepted"/>. The host is locked.</summary>
    public OperationRow Enqueue(
        HostRow host, string kind, string? subject, IReadOnlyList<TaskStep> steps, string? resourceLocation, int successStatus = StatusCodes.Status200OK) =>
        _queue.Enqueue(Changes, host, new OperationRequest(kind, steps, Actor)
        {
            Subject = subject,
            ResourceLocation = resourceLocation,
            SuccessStatus = successStatus,
        });

    /// <summary>A resource as JSON for an event's data.</summary>
    public static string ToJson(object value) => JsonSerializer.Serialize(value, value.GetType(), FleetJsonContext.Default);
}
