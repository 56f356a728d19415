using System.Collections.Concurrent;
using Npgsql;
using PmemFleet.Api.Access;
using PmemFleet.Api.Events;
using PmemFleet.Api.Persistence;

namespace PmemFleet.Api.DataPlane;

/// <summary>
/// The trace of who changed what on a worker: such a write has no transaction of ours that its event could be part of. The first of each minute, of one
/// caller on one resource, is an event before it is answered; stores and faults are too many for one each.
/// </summary>
public sealed partial class DataPlaneAudit(FleetTransactions transactions, TimeProvider time, ILogger<DataPlaneAudit> logger)
{
    private const int MostRemembered = 10_000;
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(1);
    private readonly ConcurrentDictionary<(string Caller, string Subject), long> _noted = new();

    /// <summary>A write of this request had its effect.</summary>
    public async Task NoteAsync(HttpContext http, string host)
    {
        var (actor, subject) = (http.User.ActorName(), $"{http.Request.Method} {http.Request.Path}");
        var key = (http.User.CallerId(), subject);
        if (_noted.TryGetValue(key, out var before) && time.GetElapsedTime(before) < Every)
        {
            return;
        }

        if (_noted.Count >= MostRemembered)
        {
            _noted.Clear();
        }

        try
        {
            // also where the caller has left: it is done
            await transactions.RunAsync(
                (db, _) =>
                {
                    db.AppendEvent("request.applied", actor, time.GetUtcNow(), host, subject);
                    return Task.FromResult(0);
                },
                CancellationToken.None);
            _noted[key] = time.GetTimestamp();
        }
        catch (NpgsqlException lost)
        {
            // it is done, and its answer says so
            LogNotNoted(actor, subject, lost.Message);
        }
    }

    [LoggerMessage(EventId = 1090, Level = LogLevel.Warning, Message = "No event could be written for {Actor}: {Subject}: {Reason}")]
    private partial void LogNotNoted(string actor, string subject, string reason);
}
