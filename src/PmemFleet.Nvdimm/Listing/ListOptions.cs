using System.Collections.Immutable;
using System.Text.Json.Nodes;
using PmemFleet.Nvdimm.Model;

namespace PmemFleet.Nvdimm.Listing;

/// <summary>What <c>ndctl list</c> is asked for. With nothing set it lists enabled namespaces.</summary>
public sealed record ListOptions
{
    /// <summary><c>-B</c>.</summary>
    public bool Buses { get; init; }

    /// <summary><c>-D</c>.</summary>
    public bool Dimms { get; init; }

    /// <summary><c>-R</c>.</summary>
    public bool Regions { get; init; }

    /// <summary><c>-N</c>.</summary>
    public bool Namespaces { get; init; }

    /// <summary><c>-X</c>: dax regions of devdax namespaces.</summary>
    public bool DaxRegions { get; init; }

    /// <summary><c>-i</c>: also what is disabled or idle.</summary>
    public bool Idle { get; init; }

    /// <summary><c>-c</c>: also disabled namespaces that have a size; for regions and DIMMs the same as <c>-i</c>.</summary>
    public bool Configured { get; init; }

    /// <summary><c>-M</c>: bad blocks, not only their count.</summary>
    public bool MediaErrors { get; init; }

    /// <summary><c>-u</c>: sizes with units, hexadecimal ids, a single element without its array.</summary>
    public bool Human { get; init; }

    /// <summary><c>-v</c> at least once: raw uuids and NUMA nodes.</summary>
    public bool Verbose
    {
        get => VerboseLevel > 0;
        init => VerboseLevel = value ? Math.Max(1, VerboseLevel) : 0;
    }

    /// <summary>
    /// How often <c>-v</c> is given: 1 adds namespaces, dax regions and bad blocks, 2 buses, DIMMs and regions, 3 what is idle and all
    /// that <c>-H</c>, <c>-F</c> and <c>-C</c> show.
    /// </summary>
    public int VerboseLevel { get; init; }

    /// <summary><c>-b</c>: names, providers, or a number. Each filter takes several names with spaces between, and <c>all</c>.</summary>
    public string? Bus { get; init; }

    /// <summary><c>-d</c>: names, or a number.</summary>
    public string? Dimm { get; init; }

    /// <summary><c>-r</c>: names, or a number.</summary>
    public string? Region { get; init; }

    /// <summary><c>-n</c>: names or <c>R.Y</c>.</summary>
    public string? Namespace { get; init; }

    /// <summary><c>-m</c>: drops namespaces, and nothing else.</summary>
    public NamespaceMode? Mode { get; init; }

    /// <summary><c>-t</c>: <c>pmem</c>, or <c>blk</c>, of which a modern kernel has none.</summary>
    public string? RegionType { get; init; }

    /// <summary><c>-U</c>: regions, DIMMs and namespaces of this NUMA node.</summary>
    public int? NumaNode { get; init; }

    /// <summary><c>-C</c>: what personalities an enabled region can give.</summary>
    public bool Capabilities { get; init; }

    /// <summary>Bad blocks by region name.</summary>
    public ImmutableDictionary<string, ImmutableArray<RegionBadblock>> Badblocks { get; init; } =
        ImmutableDictionary<string, ImmutableArray<RegionBadblock>>.Empty;

    /// <summary><c>-H</c>: by DIMM name the <c>health</c> of each that can tell (spec 20 section 10); null where it was not asked for.</summary>
    public IReadOnlyDictionary<string, JsonObject>? Health { get; init; }

    /// <summary><c>-F</c>: by DIMM name the firmware of each that can tell; null where it was not asked for.</summary>
    public IReadOnlyDictionary<string, FirmwareListing>? Firmware { get; init; }

    /// <summary>Drivers and memory blocks of the dax devices.</summary>
    public DaxDeviceStates DaxDevices { get; init; } = DaxDeviceStates.None;

    /// <summary>Names of the DIMMs whose security is frozen.</summary>
    public ImmutableHashSet<string> FrozenDimms { get; init; } = [];

    /// <summary>
    /// What is listed: where no kind is named a filter names it, and without one namespaces. <c>-X</c> alone lists devdax namespaces.
    /// Then each <c>-v</c> adds its kinds.
    /// </summary>
    internal ListOptions Effective()
    {
        var wanted = this;
        if (!HasKind)
        {
            wanted = wanted with
            {
                Buses = Bus is not null,
                Dimms = Dimm is not null,
                Regions = Region is not null,
                Mode = Mode ?? (DaxRegions ? NamespaceMode.Devdax : null),
            };
        }

        wanted = wanted with
        {
            Buses = wanted.Buses || VerboseLevel >= 2,
            Dimms = wanted.Dimms || VerboseLevel >= 2,
            Regions = wanted.Regions || VerboseLevel >= 2,
            Namespaces = wanted.Namespaces || VerboseLevel >= 1,
            DaxRegions = DaxRegions || VerboseLevel >= 1,
            MediaErrors = MediaErrors || VerboseLevel >= 1,
            Idle = Idle || VerboseLevel >= 3,
            Capabilities = Capabilities || VerboseLevel >= 3,
        };
        return wanted.HasKind ? wanted : wanted with { Namespaces = true };
    }

    private bool HasKind => Buses || Dimms || Regions || Namespaces;
}

/// <summary>Bad 512-byte sectors of a region.</summary>
/// <param name="Sector">First sector from the region's start.</param>
/// <param name="Count">Sectors.</param>
/// <param name="Dimms">Names of the DIMMs they are on, where that is known.</param>
public sealed record RegionBadblock(long Sector, long Count, ImmutableArray<string> Dimms);
