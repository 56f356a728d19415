namespace PmemFleet.Nvdimm.Campaigns;

/// <summary>What a source of errors makes.</summary>
public enum ErrorSourceKind
{
    /// <summary>Single errors, anywhere on the DIMM.</summary>
    Scattered,

    /// <summary>Many errors, near to each other in place and time.</summary>
    Burst,

    /// <summary>The whole DIMM fails, and stays so.</summary>
    DimmFailure,
}

/// <summary>A source of errors, the same on every DIMM of the campaign.</summary>
public sealed record ErrorSource
{
    /// <summary>What it makes.</summary>
    public ErrorSourceKind Kind { get; init; }

    /// <summary>Occurrences in an hour of one DIMM, at random; not looked at where there is an interval.</summary>
    public double PerDimmHour { get; init; }

    /// <summary>Seconds from one occurrence to the next.</summary>
    public double? IntervalSeconds { get; init; }

    /// <summary>The first occurrence is no earlier.</summary>
    public double StartSeconds { get; init; }

    /// <summary>The first occurrence is no earlier than so many reads of the DIMM.</summary>
    public long AfterAccesses { get; init; }

    /// <summary>How likely an occurrence is to happen, 0 to 1.</summary>
    public double Probability { get; init; } = 1;

    /// <summary>The most occurrences on a DIMM; null: as many as there are.</summary>
    public int? Times { get; init; }

    /// <summary>Errors of a burst.</summary>
    public int BurstErrors { get; init; } = 16;

    /// <summary>Bytes over which a burst spreads.</summary>
    public long BurstBytes { get; init; } = 1 << 20;

    /// <summary>Seconds over which a burst spreads.</summary>
    public double BurstSeconds { get; init; } = 60;

    /// <summary>Bytes of an error; null: one clear-error unit.</summary>
    public long? LengthBytes { get; init; }

    /// <summary>The platform tells the host at once; else the error is latent.</summary>
    public bool IsAnnounced { get; init; }
}

/// <summary>How DIMMs are scrubbed.</summary>
/// <param name="IntervalSeconds">From the beginning of one pass to that of the next.</param>
/// <param name="BytesPerSecond">How fast a pass reads.</param>
/// <param name="FirstSeconds">When the first pass begins.</param>
public sealed record ScrubCadence(double IntervalSeconds, long BytesPerSecond, double FirstSeconds);

/// <summary>How namespaces are used: reads and writes of a DIMM, spread evenly over what namespaces have of it.</summary>
/// <param name="ReadsPerSecond">Reads of a DIMM in a second.</param>
/// <param name="WritesPerSecond">Writes of a DIMM in a second.</param>
/// <param name="AccessBytes">Bytes of each.</param>
public sealed record AccessModel(double ReadsPerSecond, double WritesPerSecond, long AccessBytes);

/// <summary>A campaign: errors over DIMMs in simulated time.</summary>
public sealed record CampaignPlan
{
    /// <summary>The same seed gives the same events.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Simulated seconds.</summary>
    public required double Seconds { get; init; }

    /// <summary>Where errors come from.</summary>
    public required IReadOnlyList<ErrorSource> Sources { get; init; }

    /// <summary>Scrubs; null: none.</summary>
    public ScrubCadence? Scrub { get; init; }

    /// <summary>Use; null: nobody reads or writes.</summary>
    public AccessModel? Access { get; init; }

    /// <summary>Seconds after which an error that is known is cleared (<c>ndctl clear-errors</c>); null: it is not.</summary>
    public double? RepairAfterSeconds { get; init; }
}

/// <summary>A namespace's share of a DIMM.</summary>
/// <param name="Dpa">First byte.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Namespace">The namespace.</param>
/// <param name="IsMapped">Its user has it mapped (devdax): poison is SIGBUS. Else its user reads sectors: EIO.</param>
public sealed record CampaignArea(long Dpa, long Length, string Namespace, bool IsMapped);

/// <summary>A DIMM of a campaign.</summary>
/// <param name="Host">Its host's name.</param>
/// <param name="Name">Its name there.</param>
/// <param name="Capacity">Bytes.</param>
/// <param name="ClearErrorUnit">Bytes of the smallest error.</param>
/// <param name="Areas">What namespaces have of it, by DPA, not overlapping.</param>
public sealed record CampaignDimm(string Host, string Name, long Capacity, int ClearErrorUnit, IReadOnlyList<CampaignArea> Areas);
