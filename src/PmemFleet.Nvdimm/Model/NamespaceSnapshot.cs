using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Model;

/// <summary>Where a namespace's labels can be.</summary>
public enum NamespaceKind
{
    /// <summary>Label-less: the whole region.</summary>
    Io = 4,

    /// <summary>From labels.</summary>
    Pmem = 5,
}

/// <summary>Whether a namespace's driver is bound.</summary>
public enum NamespaceState
{
    /// <summary>Not bound.</summary>
    Disabled,

    /// <summary>A bind was planned and its outcome is awaited.</summary>
    Pending,

    /// <summary>Bound, by itself or through its personality.</summary>
    Enabled,
}

/// <summary>A namespace.</summary>
public sealed record NamespaceSnapshot
{
    /// <summary>The number Y of <c>namespaceR.Y</c>.</summary>
    public required int Id { get; init; }

    /// <summary>Label-less or from labels.</summary>
    public required NamespaceKind Kind { get; init; }

    /// <summary>The labels' uuid.</summary>
    public Guid? Uuid { get; init; }

    /// <summary>Free-form name.</summary>
    public string AltName { get; init; } = "";

    /// <summary>Bytes; 0 for an idle one.</summary>
    public required Bytes Size { get; init; }

    /// <summary>First system-physical address; null where the size is 0.</summary>
    public Spa? Start { get; init; }

    /// <summary>0 (never set), 512 or 4096.</summary>
    public int SectorSize { get; init; }

    /// <summary>Which personality may claim it.</summary>
    public ClaimClass ClaimClass { get; init; }

    /// <summary>The label's abstraction guid where <see cref="ClaimClass"/> is unknown.</summary>
    public Guid UnknownAbstraction { get; init; }

    /// <summary>Binds ignore info blocks.</summary>
    public bool ForceRaw { get; init; }

    /// <summary>Bound or not.</summary>
    public NamespaceState State { get; init; }

    /// <summary>What an awaited outcome is for.</summary>
    public PendingBind? Pending { get; init; }

    /// <summary>A filesystem or another exclusive opener holds its device.</summary>
    public bool Mounted { get; init; }
}

/// <summary>Which command awaits a bind's outcome.</summary>
public enum BindIntent
{
    /// <summary>create-namespace: a failure deletes the namespace again.</summary>
    Create,

    /// <summary>create-namespace -e.</summary>
    Reconfigure,

    /// <summary>enable-namespace, a bind through sysfs, or a probe.</summary>
    Enable,
}

/// <summary>A planned bind. Seeds that it used up have their successors already, so that the next command need not wait.</summary>
/// <param name="Intent">The command.</param>
/// <param name="Personality">The personality to bind; null when the info blocks decide.</param>
/// <param name="PersonalityId">Its number.</param>
/// <param name="NextNamespaceSeed">The namespace seed made for this bind, taken back when it fails.</param>
/// <param name="NextPersonalitySeed">The personality seed made for this bind, taken back when it fails.</param>
/// <param name="AutoRecover">Undo a failed create.</param>
public sealed record PendingBind(
    BindIntent Intent,
    PersonalityKind? Personality = null,
    int PersonalityId = 0,
    int? NextNamespaceSeed = null,
    int? NextPersonalitySeed = null,
    bool AutoRecover = true);
