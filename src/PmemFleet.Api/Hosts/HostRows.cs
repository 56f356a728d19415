using Microsoft.EntityFrameworkCore;
using Npgsql;
using PmemFleet.Api.Dax;
using PmemFleet.Api.Dimms;
using PmemFleet.Api.Namespaces;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Regions;

namespace PmemFleet.Api.Hosts;

/// <summary>All rows of one host's device model, in the model's order.</summary>
public sealed class HostRows
{
    private RowCopies? _stored;

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

    /// <summary>What the database has of them, once a write has asked for it.</summary>
    internal RowCopies Stored => _stored ??= RowCopies.Of(Devices());

    /// <summary>Every row of the device model.</summary>
    public IEnumerable<IHostDeviceRow> Devices() =>
        [.. Dimms, .. LabelChunks, .. Extents, .. Regions, .. Mappings, .. Namespaces, .. Personalities, .. DaxRegions, .. DaxDevices];

    /// <summary>How many rows that is.</summary>
    public int Count =>
        Dimms.Count + LabelChunks.Count + Extents.Count + Regions.Count + Mappings.Count + Namespaces.Count + Personalities.Count + DaxRegions.Count + DaxDevices.Count;

    /// <summary>On which media each region is: its DIMMs, or the media of a legacy range.</summary>
    public List<RegionMappingRow> MediaMappings() => Regions.Exists(region => region.IsLegacy)
        ? [.. Mappings, .. Regions.Where(region => region.IsLegacy).Select(LegacyMedia.Mapping)]
        : Mappings;

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
        _stored = _stored,
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

    /// <summary>Loads several hosts in one round trip, with one query for each table.</summary>
    public static async Task<List<HostRows>> LoadAsync(FleetDbContext db, IReadOnlyList<HostRow> hosts, bool withLabels, CancellationToken cancellationToken)
    {
        if (hosts.Count == 0)
        {
            return [];
        }

        await db.Database.OpenConnectionAsync(cancellationToken);
        try
        {
            var loaded = hosts.Select(Bare).ToList();
            var of = loaded.ToDictionary(rows => rows.Host.Id);
            var trip = db.NewTrip();
            void Load<TRow>(string order, Func<HostRows, List<TRow>> rowsOf)
                where TRow : class, IHostDeviceRow
            {
                var reader = RowTables.Of(db).Reader<TRow>();
                trip.Add(
                    new NpgsqlBatchCommand($"SELECT {reader.Columns("r")} FROM {reader.Table} r WHERE r.host_id = ANY($1) ORDER BY r.{order}")
                    {
                        Parameters = { new NpgsqlParameter<Guid[]> { TypedValue = [.. of.Keys] } },
                    },
                    from =>
                    {
                        var row = reader.Read(from);
                        rowsOf(of[row.HostId]).Add(row);
                    });
            }

            Load("number", rows => rows.Dimms);
            if (withLabels)
            {
                Load("index", rows => rows.LabelChunks);
            }

            Load("dpa_start", rows => rows.Extents);
            Load("number", rows => rows.Regions);
            Load("index", rows => rows.Mappings);
            Load("number", rows => rows.Namespaces);
            Load("number", rows => rows.Personalities);
            Load("host_id", rows => rows.DaxRegions);
            Load("host_id", rows => rows.DaxDevices);
            await trip.RunAsync(cancellationToken);
            return loaded;
        }
        finally
        {
            await db.Database.CloseConnectionAsync();
        }
    }
}
