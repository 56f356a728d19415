using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.Faults;

/// <summary>How often each size of fault ended in each way.</summary>
/// <param name="NoPage">Mapped.</param>
/// <param name="Fallback">Passed on to the next smaller size.</param>
/// <param name="SigBus">Ended in SIGBUS.</param>
/// <param name="Oom">Ended without memory.</param>
public readonly record struct FaultTally(long NoPage, long Fallback, long SigBus, long Oom)
{
    /// <summary>Sum, member by member.</summary>
    public FaultTally Plus(FaultTally other) =>
        new(NoPage + other.NoPage, Fallback + other.Fallback, SigBus + other.SigBus, Oom + other.Oom);
}

/// <summary>Faults by granularity and outcome.</summary>
/// <param name="Pte">Tries with the 4 KiB tag.</param>
/// <param name="Pmd">Tries with the 2 MiB tag.</param>
/// <param name="Pud">Tries with the 1 GiB tag.</param>
/// <param name="MinorFaults">What <c>ru_minflt</c> counts for these mappings.</param>
public readonly record struct FaultCounts(FaultTally Pte, FaultTally Pmd, FaultTally Pud, long MinorFaults)
{
    /// <summary>Sum, member by member.</summary>
    public FaultCounts Plus(FaultCounts other) =>
        new(Pte.Plus(other.Pte), Pmd.Plus(other.Pmd), Pud.Plus(other.Pud), MinorFaults + other.MinorFaults);
}

internal sealed class FaultCounters
{
    private readonly long[] _tries = new long[12];

    public long MinorFaults { get; private set; }

    private static int Row(PageGranule tag) => tag switch { PageGranule.Pte => 0, PageGranule.Pmd => 4, _ => 8 };

    public void Count(PageGranule tag, FaultResult result) => Add(tag, result, 1);

    public void Add(PageGranule tag, FaultResult result, long times)
    {
        _tries[Row(tag) + (int)result] += times;
        if (result == FaultResult.NoPage)
        {
            MinorFaults += times;
        }
    }

    /// <summary>What puts the counts back.</summary>
    public Action Remember()
    {
        var (tries, minorFaults) = (_tries.ToArray(), MinorFaults);
        return () =>
        {
            tries.CopyTo(_tries, 0);
            MinorFaults = minorFaults;
        };
    }

    public FaultCounts Read() => new(Tally(0), Tally(4), Tally(8), MinorFaults);

    private FaultTally Tally(int row) => new(_tries[row], _tries[row + 1], _tries[row + 2], _tries[row + 3]);
}
