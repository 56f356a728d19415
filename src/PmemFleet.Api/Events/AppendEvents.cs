using PmemFleet.Api.Persistence;

namespace PmemFleet.Api.Events;

/// <summary>Adds events to a transaction.</summary>
public static class AppendEvents
{
    /// <param name="db">The transaction's context.</param>
    /// <param name="type">What happened, such as <c>namespace.created</c>.</param>
    /// <param name="actor">Who asked: a key's name, <c>worker:name</c> or <c>system</c>.</param>
    /// <param name="at">When.</param>
    /// <param name="host">The host's name.</param>
    /// <param name="subject">What it happened to.</param>
    /// <param name="dataJson">Details as JSON text.</param>
    public static void AppendEvent(
        this FleetDbContext db, string type, string actor, DateTimeOffset at, string? host = null, string? subject = null, string? dataJson = null)
    {
        db.Events.Add(new EventRow { Type = type, Actor = actor, At = at, Host = host, Subject = subject, Data = dataJson });
        db.WakeAfterCommit(WakeUps.EventsCommitted);
    }
}
