using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.Faults;

/// <summary>What a fault handler answers for one size (spec 50 section 5).</summary>
public enum FaultResult
{
    /// <summary>The entry is in place.</summary>
    NoPage,

    /// <summary>Try the next smaller size.</summary>
    Fallback,

    /// <summary>The access is answered with SIGBUS.</summary>
    SigBus,

    /// <summary>No memory for a page-table page.</summary>
    Oom,
}

/// <summary>One try of the one huge-fault entry: the record's size tag at that time, and the answer.</summary>
/// <param name="Tag">The only size tag the record carried.</param>
/// <param name="Result">The handler's answer.</param>
public readonly record struct FaultAttempt(PageGranule Tag, FaultResult Result);

/// <summary>
/// What one fault went through: a single record, at most one try per size, largest first. A size is only tried where the
/// entry of its level is empty, as in Linux, so a second fault of the same 2 MiB shows only its PTE try.
/// </summary>
public readonly record struct FaultTrace
{
    private readonly FaultAttempt _first;
    private readonly FaultAttempt _second;
    private readonly FaultAttempt _third;

    private FaultTrace(FaultRecord record, FaultAttempt first, FaultAttempt second, FaultAttempt third, int count)
    {
        Record = record;
        (_first, _second, _third, Count) = (first, second, third, count);
    }

    /// <summary>The fault's record as its last try saw it.</summary>
    public FaultRecord Record { get; }

    /// <summary>How many tries there were: 0 when no fault happened, at most 3.</summary>
    public int Count { get; }

    /// <summary>A try, 0 being the largest size.</summary>
    public FaultAttempt this[int index] => index switch
    {
        0 when Count > 0 => _first,
        1 when Count > 1 => _second,
        2 when Count > 2 => _third,
        _ => throw new ArgumentOutOfRangeException(nameof(index)),
    };

    /// <summary>The tries in order, copied.</summary>
    public IReadOnlyList<FaultAttempt> ToList() => [.. new[] { _first, _second, _third }.Take(Count)];

    internal FaultTrace Then(in FaultRecord record, FaultResult result) => Count switch
    {
        0 => new(record, new(record.Tag, result), default, default, 1),
        1 => new(record, _first, new(record.Tag, result), default, 2),
        _ => new(record, _first, _second, new(record.Tag, result), 3),
    };
}
