using PmemFleet.Contracts.DataPlane;
using PmemFleet.Contracts.Sync;
using PmemFleet.DeviceDax.Devices;
using PmemFleet.Worker.Media;

namespace PmemFleet.Worker.Hosts;

/// <summary>A namespace that a driver has bound since the host's boot.</summary>
internal sealed record BoundNamespace
{
    /// <summary>The bind that was asked for.</summary>
    public required BindStep Step { get; init; }

    /// <summary>What it gave; a repeat of the bind gives the same.</summary>
    public required StepBound Bound { get; init; }

    /// <summary>What it is bound as, for who asks for it as it was.</summary>
    public string Form => NamespaceForm.Of(Bound.Kind, Bound.Uuid, Bound.Size, Bound.SectorSize, (Bound.DataOffset ?? 0) + (Bound.StartPad ?? 0));

    /// <summary>Its range.</summary>
    public required NamespaceMedia Media { get; init; }

    /// <summary>The path a block device's I/O takes; null for devdax.</summary>
    public INamespaceIo? Io { get; init; }

    /// <summary>The dax region of a devdax namespace.</summary>
    public DaxRegion? DaxRegion { get; init; }
}
