using PmemFleet.Api.Persistence;

namespace PmemFleet.Api.Events;

/// <summary>Adds events to a transaction.</summary>
public static class AppendEvents
{
    /// <param name="changes">What the transaction writes.</param>
    /// <param name="type">What happened, such as <c>namespace.created</c>.</param>
    /// <param name="actor">Who asked: a key's name, <c>worker:name</c> or <c>system</c>.</param>
    /// <param name="at">When.</param>
    /// <param name="host">The host's name.</param>
    /// <param name="subject">What it happened to.</param>
    /// <param name="dataJson">Details as JSON text.</param>
    public static void AppendEvent(
        this RowChanges changes, string type, string actor, DateTimeOffset at, string? host = null, string? subject = null, string? dataJson = null)
    {
        changes.Add(new EventRow { Type = type, Actor = actor, At = at, Host = host, Subject = subject, Data = dataJson });
        changes.WakeAfterCommit(WakeUps.EventsCommitted);
    }

    /// <inheritdoc cref="AppendEvent(RowChanges, string, string, DateTimeOffset, string?, string?, string?)"/>
    public static void AppendEvent(
        this FleetDbContext db, string type, string actor, DateTimeOffset at, string? host = null, string? subject = null, string? dataJson = null) =>
        db.Changes.AppendEvent(type, actor, at, host, subject, dataJson);
}
