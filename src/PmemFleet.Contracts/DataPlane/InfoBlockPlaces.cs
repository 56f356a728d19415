namespace PmemFleet.Contracts.DataPlane;

/// <summary>Where a kernel that probes a DIMM would look for info blocks.</summary>
public sealed record InfoBlockPlaces
{
    /// <summary>DPAs of 4 KiB blocks.</summary>
    public required IReadOnlyList<long> Dpas { get; init; }
}

/// <summary>What of an image would bring a known kernel down.</summary>
public sealed record InfoBlockHazards
{
    /// <summary>Each such block.</summary>
    public required IReadOnlyList<InfoBlockHazardDto> Found { get; init; }
}

/// <summary>A block that must not reach a real machine.</summary>
/// <param name="Dpa">Where it is.</param>
/// <param name="Rule">Stable name of the hazard.</param>
/// <param name="Message">One sentence.</param>
public sealed record InfoBlockHazardDto(long Dpa, string Rule, string Message);
