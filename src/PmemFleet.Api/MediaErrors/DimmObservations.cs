using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Dimms;
using PmemFleet.Api.Health;
using PmemFleet.Api.Namespaces;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Regions;
using PmemFleet.Api.Sync;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.MediaErrors;

/// <summary>Applies what workers saw of DIMMs. Each observation is the whole state, so the newest one replaces what is there.</summary>
public sealed class DimmObservations(TimeProvider time) : IDimmObservationSink
{
    public async Task ApplyAsync(FleetDbContext db, IReadOnlyList<DimmObservation> observations, CancellationToken cancellationToken)
    {
        Guid[] hosts = [.. observations.Select(seen => seen.HostId).Distinct()];
        Guid[] ids = [.. observations.Select(seen => seen.DimmId).Distinct()];
        var dimms = await MediaAsync(db, hosts, ids, cancellationToken);
        var names = await db.Hosts.Where(row => hosts.Contains(row.Id)).Select(row => new { row.Id, row.Name }).ToDictionaryAsync(row => row.Id, row => row.Name, cancellationToken);
        var media = await db.Set<DimmMediaRow>().AsTracking().Where(row => hosts.Contains(row.HostId) && ids.Contains(row.DimmId))
            .ToDictionaryAsync(row => (row.HostId, row.DimmId), cancellationToken);
        var newest = observations
            .Where(seen => dimms.TryGetValue((seen.HostId, seen.DimmId), out var dimm)
                && CredibleObservation.Is(seen, dimm.Capacity, media.GetValueOrDefault((seen.HostId, seen.DimmId))?.ObservedVersion ?? 0))
            .GroupBy(seen => (seen.HostId, seen.DimmId))
            .ToDictionary(group => group.Key, group => group.MaxBy(seen => (seen.Epoch, seen.Version))!);
        var errors = (await db.Set<MediaErrorRow>().AsTracking().Where(row => hosts.Contains(row.HostId) && ids.Contains(row.DimmId)).ToListAsync(cancellationToken))
            .ToLookup(row => (row.HostId, row.DimmId));
        var changed = new List<(Guid HostId, Guid DimmId)>();
        foreach (var (key, seen) in newest)
        {
            var dimm = dimms[key];
            if (media.TryGetValue(key, out var row) && (row.Epoch, row.ObservedVersion).CompareTo((seen.Epoch, seen.Version)) >= 0)
            {
                continue;
            }

            if (dimm.LegacyRegion is null)
            {
                HealthEvents.Append(db, names[key.HostId], $"nmem{dimm.Number}", HealthJson.Read(row?.Health), seen.Health, time.GetUtcNow());
            }

            var counts = Count(db, row, seen, dimm.LegacyRegion);
            if (Replace(db, [.. errors[key]], seen, dimm.LegacyRegion) | counts)
            {
                changed.Add(key);
            }
        }

        if (changed.Count > 0)
        {
            await db.SaveChangesAsync(cancellationToken);
            db.Changes.ChangedElsewhere(changed.Select(key => key.HostId));
            await LockAsync(db, changed.Select(key => newest[key]), cancellationToken);
            await RaiseVersionsAsync(db, changed, cancellationToken);
        }
    }

    /// <summary>The media that workers tell of: DIMMs, and the media of legacy regions.</summary>
    private static async Task<Dictionary<(Guid HostId, Guid MediaId), Medium>> MediaAsync(
        FleetDbContext db, Guid[] hosts, Guid[] ids, CancellationToken cancellationToken)
    {
        var media = (await db.Set<DimmRow>().Where(row => hosts.Contains(row.HostId) && ids.Contains(row.Id))
            .Select(row => new { row.HostId, row.Id, row.Number, row.Capacity }).ToListAsync(cancellationToken))
            .ToDictionary(row => (row.HostId, row.Id), row => new Medium(row.Number, row.Capacity, null));
        if (media.Count < ids.Length)
        {
            var regions = await db.Set<RegionRow>().AsNoTracking()
                .Where(row => hosts.Contains(row.HostId) && ids.Contains(row.Id) && row.Kind == RegionTexts.Legacy)
                .ToListAsync(cancellationToken);
            regions.ForEach(region => media.Add((region.HostId, region.Id), new Medium(region.Number, region.Size, region.Id)));
        }

        return media;
    }

    /// <summary>The driver meets a locked DIMM when it probes it: at the next boot, or when it is enabled.</summary>
    private static async Task LockAsync(FleetDbContext db, IEnumerable<DimmObservation> seen, CancellationToken cancellationToken)
    {
        foreach (var group in seen.Where(one => one.Health is not null).GroupBy(one => one.Health!.Security.State == "locked"))
        {
            Guid[] ids = [.. group.Select(one => one.DimmId)];
            Guid[] hosts = [.. group.Select(one => one.HostId).Distinct()];
            await db.Set<DimmRow>().Where(row => hosts.Contains(row.HostId) && ids.Contains(row.Id) && row.Locked != group.Key)
                .ExecuteUpdateAsync(set => set.SetProperty(row => row.Locked, group.Key), cancellationToken);
        }
    }

    /// <summary>True where a reader of the DIMM sees another count.</summary>
    private static bool Count(FleetDbContext db, DimmMediaRow? row, DimmObservation seen, Guid? legacyRegion)
    {
        var before = (row?.DirtyShutdownCount ?? 0, row?.Health);
        if (row is null)
        {
            row = new DimmMediaRow { HostId = seen.HostId, DimmId = seen.DimmId, RegionId = legacyRegion, Epoch = seen.Epoch, ObservedVersion = seen.Version };
            db.Add(row);
        }

        (row.Epoch, row.ObservedVersion) = (seen.Epoch, seen.Version);
        (row.DirtyShutdownCount, row.ScrubCount) = (seen.DirtyShutdownCount, seen.ScrubCount);
        (row.PoisonRanges, row.PoisonBytes) = (Math.Max(seen.PoisonRanges, seen.Poison.Count), Math.Max(seen.PoisonBytes, seen.Poison.Sum(range => range.Length)));
        (row.KnownRanges, row.KnownBytes) = (Math.Max(seen.KnownRanges, seen.BadRanges.Count), Math.Max(seen.KnownBytes, seen.BadRanges.Sum(range => range.Length)));
        row.Health = HealthJson.Write(seen.Health) ?? row.Health;
        return before != (seen.DirtyShutdownCount, row.Health);
    }

    private static bool Replace(FleetDbContext db, List<MediaErrorRow> present, DimmObservation seen, Guid? legacyRegion)
    {
        var byDpa = present.ToDictionary(row => row.Dpa);
        var changed = false;
        foreach (var row in ErrorSegments.Of(seen, legacyRegion))
        {
            if (byDpa.Remove(row.Dpa, out var old))
            {
                if (old.Length == row.Length && old.Poisoned == row.Poisoned && old.Known == row.Known)
                {
                    continue;
                }

                (old.Length, old.Poisoned, old.Known) = (row.Length, row.Poisoned, row.Known);
            }
            else
            {
                db.Add(row);
            }

            changed = true;
        }

        db.RemoveRange(byDpa.Values);
        return changed || byDpa.Count > 0;
    }

    /// <summary>DIMMs, regions and namespaces show errors: their ETags change with them.</summary>
    private static async Task RaiseVersionsAsync(FleetDbContext db, List<(Guid HostId, Guid DimmId)> changed, CancellationToken cancellationToken)
    {
        Guid[] hosts = [.. changed.Select(key => key.HostId).Distinct()];
        Guid[] dimms = [.. changed.Select(key => key.DimmId)];
        await db.Set<DimmRow>().Where(row => hosts.Contains(row.HostId) && dimms.Contains(row.Id))
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.Version, row => row.Version + 1), cancellationToken);
        Guid[] regions = await db.Set<RegionMappingRow>().Where(row => hosts.Contains(row.HostId) && dimms.Contains(row.DimmId))
            .Select(row => row.RegionId).Distinct().ToArrayAsync(cancellationToken);

        // the media of a legacy region has the region's id
        regions = [.. regions, .. dimms];
        await db.Set<RegionRow>().Where(row => hosts.Contains(row.HostId) && regions.Contains(row.Id))
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.Version, row => row.Version + 1), cancellationToken);
        await db.Set<NamespaceRow>().Where(row => hosts.Contains(row.HostId) && regions.Contains(row.RegionId))
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.Version, row => row.Version + 1), cancellationToken);
    }

    private sealed record Medium(int Number, long Capacity, Guid? LegacyRegion);
}
