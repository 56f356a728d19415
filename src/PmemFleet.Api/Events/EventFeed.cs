using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Events;
using PmemFleet.Contracts.Problems;

namespace PmemFleet.Api.Events;

/// <summary>Reads the numbered events.</summary>
public sealed class EventFeed(IDbContextFactory<FleetDbContext> contexts)
{
    /// <summary>Events after a number, in order; or the refusal where they were compacted away.</summary>
    public async Task<(IReadOnlyList<EventDto> Events, RefusalDto? Refusal)> ReadAsync(long after, int limit, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var rows = await db.Events.AsNoTracking().Where(row => row.Seq > after).OrderBy(row => row.Seq).Take(limit).ToListAsync(cancellationToken);

        // looked at after the rows: what was compacted meanwhile is noticed
        var compacted = await db.Set<EventCounterRow>().AsNoTracking().Select(counter => counter.CompactedSeq).SingleAsync(cancellationToken);
        return after < compacted && !(rows is [{ Seq: { } first }, ..] && first == after + 1)
            ? ([], Compacted(after, compacted + 1))
            : ([.. rows.Select(ToDto)], null);
    }

    /// <summary>The newest number.</summary>
    public async Task<long> LastSeqAsync(CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        return await db.Set<EventCounterRow>().AsNoTracking().Select(counter => counter.LastSeq).SingleAsync(cancellationToken);
    }

    private static EventDto ToDto(EventRow row) => new()
    {
        Seq = row.Seq!.Value,
        Type = row.Type,
        Host = row.Host,
        Subject = row.Subject,
        Actor = row.Actor,
        Data = row.Data is null ? null : JsonElement.Parse(row.Data),
        At = row.At,
    };

    private static RefusalDto Compacted(long after, long oldest) => new()
    {
        Errno = "ESTALE",
        Code = "events-compacted",
        Message = $"Events after {after} were compacted; the oldest one kept is {oldest}. List the resources anew and read on from there.",
        Numbers = new Dictionary<string, string> { ["after"] = after.ToString(null, null), ["oldest"] = oldest.ToString(null, null) },
        Allowed = [(oldest - 1).ToString(null, null)],
    };
}
