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

    /// <summary>Its range.</summary>
    public required NamespaceMedia Media { get; init; }

    /// <summary>The path a block device's I/O takes; null for devdax.</summary>
    public INamespaceIo? Io { get; init; }

    /// <summary>The dax region of a devdax namespace.</summary>
    public DaxRegion? DaxRegion { get; init; }
}
