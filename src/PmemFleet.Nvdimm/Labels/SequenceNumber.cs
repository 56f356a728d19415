namespace PmemFleet.Nvdimm.Labels;

/// <summary>The two-bit sequence that tells which index block is newer: 1, 2, 3, 1, … (spec 10 section 5).</summary>
public static class SequenceNumber
{
    /// <summary>The number after <paramref name="sequence"/>; 0, which is invalid, stays 0.</summary>
    public static uint Next(uint sequence) => (sequence & 3) switch
    {
        0 => 0,
        3 => 1,
        var s => s + 1,
    };

    /// <summary>Which of two valid blocks is current: 0 or 1. Equal numbers make block 1 current.</summary>
    public static int Newer(uint first, uint second)
    {
        var (a, b) = (first & 3, second & 3);
        return a == 0 || a == b ? 1
            : b == 0 ? 0
            : Next(a) == b ? 1
            : 0;
    }
}
