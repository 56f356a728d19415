using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Dax;
using PmemFleet.Api.Dimms;
using PmemFleet.Api.Namespaces;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Regions;

namespace PmemFleet.Api.Hosts;

/// <summary>All rows of one host's device model, in the model's order.</summary>
public sealed class HostRows
{
    public required HostRow Host { get; init; }

    public required List<DimmRow> Dimms { get; init; }

    public required List<LabelChunkRow> LabelChunks { get; init; }

    public required List<DpaExtentRow> Extents { get; init; }

    public required List<RegionRow> Regions { get; init; }

    public required List<RegionMappingRow> Mappings { get; init; }

    public required List<NamespaceRow> Namespaces { get; init; }

    public required List<PersonalityRow> Personalities { get; init; }

    public required List<DaxRegionRow> DaxRegions { get; init; }

    public required List<DaxDeviceRow> DaxDevices { get; init; }

    /// <summary>Rows that this write took away.</summary>
    public List<object> Removed { get; } = [];

    /// <summary>Every row of the device model.</summary>
    public IEnumerable<IHostDeviceRow> Devices() =>
        [.. Dimms, .. LabelChunks, .. Extents, .. Regions, .. Mappings, .. Namespaces, .. Personalities, .. DaxRegions, .. DaxDevices];

    /// <summary>How many rows that is.</summary>
    public int Count =>
        Dimms.Count + LabelChunks.Count + Extents.Count + Regions.Count + Mappings.Count + Namespaces.Count + Personalities.Count + DaxRegions.Count + DaxDevices.Count;

    /// <summary>Puts all rows into the order in which they are loaded: a write adds its own at the end.</summary>
    internal void Order()
    {
        Dimms.Sort((one, other) => one.Number.CompareTo(other.Number));
        LabelChunks.Sort((one, other) => one.Index.CompareTo(other.Index));
        Extents.Sort((one, other) => one.DpaStart.CompareTo(other.DpaStart));
        Regions.Sort((one, other) => one.Number.CompareTo(other.Number));
        Mappings.Sort((one, other) => one.Index.CompareTo(other.Index));
        Namespaces.Sort((one, other) => one.Number.CompareTo(other.Number));
        Personalities.Sort((one, other) => one.Number.CompareTo(other.Number));
    }

    /// <summary>These devices, under the host's row as it was loaded now.</summary>
    public HostRows With(HostRow host) => new()
    {
        Host = host,
        Dimms = Dimms,
        LabelChunks = LabelChunks,
        Extents = Extents,
        Regions = Regions,
        Mappings = Mappings,
        Namespaces = Namespaces,
        Personalities = Personalities,
        DaxRegions = DaxRegions,
        DaxDevices = DaxDevices,
    };

    /// <summary>Rows of a host that has nothing yet.</summary>
    public static HostRows Bare(HostRow host) => new()
    {
        Host = host,
        Dimms = [],
        LabelChunks = [],
        Extents = [],
        Regions = [],
        Mappings = [],
        Namespaces = [],
        Personalities = [],
        DaxRegions = [],
        DaxDevices = [],
    };

    /// <summary>Loads several hosts with one query for each table.</summary>
    public static async Task<List<HostRows>> LoadAsync(FleetDbContext db, IReadOnlyList<HostRow> hosts, bool withLabels, CancellationToken cancellationToken)
    {
        if (hosts.Count == 0)
        {
            return [];
        }

        Guid[] ids = [.. hosts.Select(host => host.Id)];
        var dimms = await Of<DimmRow>(db).Where(row => ids.Contains(row.HostId)).OrderBy(row => row.Number).ToListAsync(cancellationToken);
        var chunks = !withLabels ? [] : await Of<LabelChunkRow>(db).Where(row => ids.Contains(row.HostId)).OrderBy(row => row.Index).ToListAsync(cancellationToken);
        var extents = await Of<DpaExtentRow>(db).Where(row => ids.Contains(row.HostId)).OrderBy(row => row.DpaStart).ToListAsync(cancellationToken);
        var regions = await Of<RegionRow>(db).Where(row => ids.Contains(row.HostId)).OrderBy(row => row.Number).ToListAsync(cancellationToken);
        var mappings = await Of<RegionMappingRow>(db).Where(row => ids.Contains(row.HostId)).OrderBy(row => row.Index).ToListAsync(cancellationToken);
        var namespaces = await Of<NamespaceRow>(db).Where(row => ids.Contains(row.HostId)).OrderBy(row => row.Number).ToListAsync(cancellationToken);
        var personalities = await Of<PersonalityRow>(db).Where(row => ids.Contains(row.HostId)).OrderBy(row => row.Number).ToListAsync(cancellationToken);
        var daxRegions = await Of<DaxRegionRow>(db).Where(row => ids.Contains(row.HostId)).ToListAsync(cancellationToken);
        var daxDevices = await Of<DaxDeviceRow>(db).Where(row => ids.Contains(row.HostId)).ToListAsync(cancellationToken);
        var (dimmsOf, chunksOf, extentsOf) = (dimms.ToLookup(row => row.HostId), chunks.ToLookup(row => row.HostId), extents.ToLookup(row => row.HostId));
        var (regionsOf, mappingsOf) = (regions.ToLookup(row => row.HostId), mappings.ToLookup(row => row.HostId));
        var (namespacesOf, personalitiesOf) = (namespaces.ToLookup(row => row.HostId), personalities.ToLookup(row => row.HostId));
        var (daxRegionsOf, daxDevicesOf) = (daxRegions.ToLookup(row => row.HostId), daxDevices.ToLookup(row => row.HostId));
        return
        [
            .. hosts.Select(host => new HostRows
            {
                Host = host,
                Dimms = [.. dimmsOf[host.Id]],
                LabelChunks = [.. chunksOf[host.Id]],
                Extents = [.. extentsOf[host.Id]],
                Regions = [.. regionsOf[host.Id]],
                Mappings = [.. mappingsOf[host.Id]],
                Namespaces = [.. namespacesOf[host.Id]],
                Personalities = [.. personalitiesOf[host.Id]],
                DaxRegions = [.. daxRegionsOf[host.Id]],
                DaxDevices = [.. daxDevicesOf[host.Id]],
            }),
        ];
    }

    private static IQueryable<T> Of<T>(FleetDbContext db)
        where T : class => db.Set<T>().AsNoTracking();
}
