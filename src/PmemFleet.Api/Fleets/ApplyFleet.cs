using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Fleets;
using PmemFleet.Contracts.Hosts;
using PmemFleet.Contracts.Problems;

namespace PmemFleet.Api.Fleets;

/// <summary>
/// Applies a fleet document in one transaction: all of it or nothing. Hosts are taken in portions, so that memory stays bounded however large the
/// fleet is, and each is saved with a statement for a table (<see cref="RowChanges"/>).
/// </summary>
public sealed class ApplyFleet(FleetWriteContext context, DeleteHost delete)
{
    // what a portion holds is garbage when the next one begins, if it is not so large that the collector meets it first
    private const int Portion = 10;

    /// <summary>So many new hosts may be most of the fleet.</summary>
    private const int ManyNewHosts = 200;
    private readonly FleetTally _tally = new();

    /// <param name="document">What shall be there.</param>
    /// <param name="prune">Which of the hosts that it does not name are deleted; null: none.</param>
    public async Task<WriteOutcome> ExecuteAsync(FleetDocument document, Func<FleetDbContext, IQueryable<HostRow>>? prune = null)
    {
        var (hosts, refusal) = FleetExpansion.Expand(document);
        if (refusal is not null)
        {
            return refusal;
        }

        // two documents at once would each find the other's hosts missing
        await context.Db.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock({AdvisoryLocks.Fleet})", context.Cancelled);
        string[] names = [.. hosts.Select(host => host.Name)];
        Guid[] others = prune is null ? [] : await prune(context.Db).Where(host => !names.Contains(host.Name)).Select(host => host.Id).ToArrayAsync(context.Cancelled);
        var there = (await context.Db.Database.SqlQuery<string>($"SELECT name AS \"Value\" FROM hosts WHERE name = ANY({names}) OR id = ANY({others}) ORDER BY id FOR UPDATE")
            .ToListAsync(context.Cancelled)).ToHashSet();

        // under the locks: what another document or a write to one of these hosts has changed is committed by now, and counts
        var found = await FleetEtag.CountAsync(context.Db, context.Cancelled);
        if (context.CheckIfMatch(FleetEtag.Of(found)) is { } stale)
        {
            return stale;
        }

        foreach (var portion in hosts.Chunk(Portion))
        {
            if (await ApplyAsync(portion, there) is { } refused)
            {
                return new WriteOutcome.Refused(refused);
            }
        }

        if (prune is not null)
        {
            await PruneAsync(others, prune);
        }

        var plan = _tally.ToPlan();
        context.Event("fleet.applied", data: FleetWriteContext.ToJson(plan with { Changes = [], Truncated = plan.Changes.Count > 0 }));
        context.Db.WakeAfterCommit(WakeUps.Placement);
        await context.Db.SaveChangesAsync(context.Cancelled);
        if (hosts.Count - there.Count >= ManyNewHosts)
        {
            await AnalyzeAsync();
        }

        // what was found and what was made of it: a change that came in between is not part of this tag, and so a write that has it will be refused
        return new WriteOutcome.Ok(plan, FleetEtag.Of(found + await FleetEtag.CountOwnAsync(context.Db, context.Cancelled)));
    }

    /// <summary>PostgreSQL would do so within minutes. Until then its plans are for the fleet that was: each page of a list joined and sorted all that comes behind it.</summary>
    private Task<int> AnalyzeAsync() =>
        context.Db.Database.ExecuteSqlRawAsync("ANALYZE hosts, dimms, dimm_media, regions, region_mappings, namespaces, personalities, dpa_extents", context.Cancelled);

    private async Task PruneAsync(Guid[] others, Func<FleetDbContext, IQueryable<HostRow>> prune)
    {
        var ids = await prune(context.Db)
            .Where(host => others.Contains(host.Id)
                && !context.Db.Tasks.Any(task => task.HostId == host.Id && !task.Done && task.Kind == OperationKinds.DeleteHost))
            .OrderBy(host => host.Id).Select(host => host.Id).ToListAsync(context.Cancelled);
        foreach (var portion in ids.Chunk(Portion))
        {
            foreach (var host in await context.Db.LockHostsAsync(portion, context.Cancelled))
            {
                _tally.Deleted(host.Name);
                _tally.Operations += await delete.RemoveAsync(context, host) is null ? 0 : 1;
            }

            await context.Db.SaveChangesAsync(context.Cancelled);
            context.Db.Forget();
        }
    }

    private async Task<RefusalDto?> ApplyAsync(HostOfDocument[] portion, HashSet<string> there)
    {
        var known = await LoadAsync([.. portion.Select(host => host.Name).Where(there.Contains)]);
        foreach (var wanted in portion)
        {
            var refusal = known.TryGetValue(wanted.Name, out var host) ? Apply(host, wanted, isNew: false) : Create(wanted);
            if (refusal is not null)
            {
                return refusal;
            }
        }

        await context.Db.SaveChangesAsync(context.Cancelled);
        context.Db.Forget();
        return null;
    }

    private async Task<Dictionary<string, HostAggregate>> LoadAsync(string[] names)
    {
        if (names.Length == 0)
        {
            return [];
        }

        var rows = await context.Db.Hosts.AsTracking().Where(host => names.Contains(host.Name)).ToListAsync(context.Cancelled);
        return (await HostAggregate.LoadAsync(context, rows)).ToDictionary(host => host.Name);
    }

    private RefusalDto? Create(HostOfDocument wanted)
    {
        var (host, refusal) = CreateHost.Begin(context, new CreateHostRequest
        {
            Name = wanted.Name,
            Labels = wanted.Labels,
            Provider = wanted.Source.Provider,
            Platform = wanted.Source.Platform,
            MediaPool = wanted.Source.MediaPool,
        });
        if (host is null)
        {
            return refusal! with { Subject = $"{wanted.At}{refusal.Subject}", Message = $"{wanted.Name}: {refusal.Message}" };
        }

        _tally.Created(FleetKind.Host, wanted.Name);
        return Apply(host, wanted, isNew: true);
    }

    private RefusalDto? Apply(HostAggregate host, HostOfDocument wanted, bool isNew)
    {
        var change = new HostOfFleet(host, wanted, _tally, isNew);
        if (change.Apply() is { } refusal)
        {
            return refusal;
        }

        if (!isNew && !change.IsChanged)
        {
            return null;
        }

        host.Save();
        host.Event(isNew ? "host.created" : "host.updated", host.Name, HostProjection.ToDto(host.Rows, null));
        foreach (var made in change.Made)
        {
            host.Event("namespace.created", made);
        }

        if (change.Steps.Count > 0)
        {
            host.Enqueue(OperationKinds.ApplyFleet, host.Name, host.ToTaskSteps(change.Steps, continueOnFailure: true), $"/v1/hosts/{host.Name}");
            _tally.Operations++;
        }

        return null;
    }
}
