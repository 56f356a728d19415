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

    /// <summary><c>-c</c>: also disabled namespaces that have a size.</summary>
    public bool Configured { get; init; }

    /// <summary><c>-M</c>: bad blocks, not only their count.</summary>
    public bool MediaErrors { get; init; }

    /// <summary><c>-u</c>: sizes with units, hexadecimal ids, a single element without its array.</summary>
    public bool Human { get; init; }

    /// <summary><c>-v</c> once: raw uuids and NUMA nodes.</summary>
    public bool Verbose { get; init; }

    /// <summary><c>-b</c>: the bus's name or provider.</summary>
    public string? Bus { get; init; }

    /// <summary><c>-d</c>.</summary>
    public string? Dimm { get; init; }

    /// <summary><c>-r</c>.</summary>
    public string? Region { get; init; }

    /// <summary><c>-n</c>.</summary>
    public string? Namespace { get; init; }

    /// <summary><c>-m</c>.</summary>
    public NamespaceMode? Mode { get; init; }

    /// <summary><c>-t</c>: <c>pmem</c>, or <c>blk</c>, of which a modern kernel has none.</summary>
    public string? RegionType { get; init; }

    /// <summary><c>-U</c>: regions and namespaces of this NUMA node.</summary>
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

    /// <summary>Names of the DIMMs whose security is frozen.</summary>
    public ImmutableHashSet<string> FrozenDimms { get; init; } = [];

    /// <summary>The regions to look in.</summary>
    internal bool Takes(Region region) =>
        (Region is null || Region == region.Name) && RegionType is null or "pmem" && (NumaNode is null || NumaNode == region.NumaNode);

    /// <summary>What is listed, after ndctl's default.</summary>
    internal ListOptions Effective() => Buses || Dimms || Regions || Namespaces ? this : this with { Namespaces = true };
}

/// <summary>Bad 512-byte sectors of a region.</summary>
/// <param name="Sector">First sector from the region's start.</param>
/// <param name="Count">Sectors.</param>
/// <param name="Dimms">Names of the DIMMs they are on, where that is known.</param>
public sealed record RegionBadblock(long Sector, long Count, ImmutableArray<string> Dimms);
