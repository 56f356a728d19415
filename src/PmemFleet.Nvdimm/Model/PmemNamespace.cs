using System.Globalization;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Model;

/// <summary>A namespace: <c>namespaceR.Y</c>.</summary>
public sealed class PmemNamespace
{
    internal PmemNamespace(Region region, int id, NamespaceKind kind)
    {
        Region = region;
        Id = id;
        Kind = kind;
        Name = string.Create(CultureInfo.InvariantCulture, $"namespace{region.Id}.{id}");
    }

    /// <summary>Its region.</summary>
    public Region Region { get; }

    /// <summary>Its number in the region.</summary>
    public int Id { get; }

    /// <summary>Label-less or from labels.</summary>
    public NamespaceKind Kind { get; }

    /// <summary><c>namespaceR.Y</c>.</summary>
    public string Name { get; }

    /// <summary>The labels' uuid.</summary>
    public Guid? Uuid { get; internal set; }

    /// <summary>Free-form name, at most 63 characters.</summary>
    public string AltName { get; internal set; } = "";

    /// <summary>Bytes; 0 for an idle one.</summary>
    public long Size { get; internal set; }

    /// <summary>First system-physical address; meaningless where <see cref="Size"/> is 0.</summary>
    public long Start { get; internal set; }

    /// <summary>0 (never set), 512 or 4096.</summary>
    public int SectorSize { get; internal set; }

    /// <summary>Which personality may claim it.</summary>
    public ClaimClass ClaimClass { get; internal set; }

    /// <summary>The label's abstraction guid where <see cref="ClaimClass"/> is unknown.</summary>
    public Guid UnknownAbstraction { get; internal set; }

    /// <summary>Binds ignore info blocks.</summary>
    public bool ForceRaw { get; internal set; }

    /// <summary>Bound or not.</summary>
    public NamespaceState State { get; internal set; }

    /// <summary>What an awaited outcome is for.</summary>
    public PendingBind? Pending { get; internal set; }

    /// <summary>A filesystem or another exclusive opener holds its device.</summary>
    public bool Mounted { get; internal set; }

    /// <summary>The personality attached to it, or null.</summary>
    public Personality? Claim { get; internal set; }

    /// <summary>The region's idle namespace.</summary>
    public bool IsSeed => Region.NamespaceSeed == this;

    /// <summary>The driver is bound to the namespace or through its personality.</summary>
    public bool IsEnabled => State == NamespaceState.Enabled;

    /// <summary>Bound raw, or claimed: then no attribute may change.</summary>
    internal bool IsHeld => Claim is not null || State != NamespaceState.Disabled;

    /// <summary>Pages of it are ordinary memory: a label-less range without DIMMs whose info blocks are not ignored (spec 20 section 4).</summary>
    public bool IsNativeMemory => Claim is null && Region.Kind == RegionKind.Legacy && !ForceRaw;

    internal NamespaceSnapshot Save() => new()
    {
        Id = Id,
        Kind = Kind,
        Uuid = Uuid,
        AltName = AltName,
        Size = new Bytes(Size),
        Start = Size == 0 ? null : new Spa(Start),
        SectorSize = SectorSize,
        ClaimClass = ClaimClass,
        UnknownAbstraction = UnknownAbstraction,
        ForceRaw = ForceRaw,
        State = State,
        Pending = Pending,
        Mounted = Mounted,
    };
}
