using System.Globalization;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Model;

/// <summary>A BTT, PFN or DAX device of a region, idle (the seed) or attached to a namespace.</summary>
public sealed class Personality
{
    internal static readonly Bytes DefaultAlign = new(2 * Bytes.MiB);

    internal Personality(Region region, PersonalityKind kind, int id)
    {
        Region = region;
        Kind = kind;
        Id = id;
        Name = string.Create(CultureInfo.InvariantCulture, $"{Prefix(kind)}{region.Id}.{id}");
    }

    /// <summary>Its region.</summary>
    public Region Region { get; }

    /// <summary>Which.</summary>
    public PersonalityKind Kind { get; }

    /// <summary>Its number, independent of the namespace's.</summary>
    public int Id { get; }

    /// <summary><c>btt0.0</c>, …</summary>
    public string Name { get; }

    /// <summary>Its uuid, or null.</summary>
    public Guid? Uuid { get; internal set; }

    /// <summary>BTT: external sector size, or null.</summary>
    public Bytes? SectorSize { get; internal set; }

    /// <summary>PFN and DAX: where struct pages go; null shows as <c>none</c>.</summary>
    public MapLocation? Map { get; internal set; }

    /// <summary>PFN and DAX: alignment.</summary>
    public Bytes Align { get; internal set; } = DefaultAlign;

    /// <summary>The namespace it is attached to, or null.</summary>
    public PmemNamespace? Namespace { get; internal set; }

    /// <summary>What its bind found; null while it is not bound.</summary>
    public BindOutcome? Bound { get; internal set; }

    /// <summary>The region's idle device of this kind.</summary>
    public bool IsSeed => Region.Seed(Kind) == this;

    /// <summary>The driver that binds it.</summary>
    public string Driver => Kind == PersonalityKind.Dax ? "dax_pmem" : "nd_pmem";

    internal static string Prefix(PersonalityKind kind) => kind switch
    {
        PersonalityKind.Btt => "btt",
        PersonalityKind.Pfn => "pfn",
        _ => "dax",
    };

    internal PersonalitySnapshot Save() => new()
    {
        Kind = Kind,
        Id = Id,
        Uuid = Uuid,
        SectorSize = SectorSize,
        Map = Map,
        Align = Align,
        Namespace = Namespace?.Id,
        Bound = Bound,
    };
}
