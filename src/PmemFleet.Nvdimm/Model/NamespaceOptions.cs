using PmemFleet.Nvdimm.Binding;

namespace PmemFleet.Nvdimm.Model;

/// <summary>The options of <c>ndctl create-namespace</c>. Uuids are given by the caller: the model draws none.</summary>
public sealed record NamespaceOptions
{
    /// <summary>The namespace's (labels') uuid.</summary>
    public required Guid Uuid { get; init; }

    /// <summary>The uuid of the BTT, PFN or DAX, if one is made.</summary>
    public required Guid PersonalityUuid { get; init; }

    /// <summary>Create only in this region; null takes the first that qualifies.</summary>
    public string? Region { get; init; }

    /// <summary>Null: fsdax, or what the namespace to reconfigure is.</summary>
    public NamespaceMode? Mode { get; init; }

    /// <summary>Null or 0: the largest that fits, or the size of the namespace to reconfigure.</summary>
    public SizeText? Size { get; init; }

    /// <summary>Free-form name; null: none, or the one the namespace to reconfigure has.</summary>
    public string? Name { get; init; }

    /// <summary>Where struct pages go, fsdax and devdax only.</summary>
    public MapLocation? Map { get; init; }

    /// <summary>Alignment, fsdax and devdax only.</summary>
    public SizeText? Align { get; init; }

    /// <summary>Sector size.</summary>
    public int? SectorSize { get; init; }

    /// <summary>Reconfigure an active namespace; ignore a misaligned start.</summary>
    public bool Force { get; init; }

    /// <summary>Initialise labels when a label-less namespace is reconfigured and its DIMMs can have labels.</summary>
    public bool AutoLabel { get; init; }

    /// <summary>Undo a create that fails.</summary>
    public bool AutoRecover { get; init; } = true;
}
