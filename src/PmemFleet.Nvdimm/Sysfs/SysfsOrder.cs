namespace PmemFleet.Nvdimm.Sysfs;

/// <summary>
/// The order in which ndctl and daxctl walk devices. sysfs gives a folder's entries in the order of a hash of their names, and the tools
/// put each device that they find before the ones they have: the highest hash comes first. All recordings with several devices have this
/// order.
/// </summary>
public sealed class SysfsOrder : IComparer<string>
{
    private const ulong Multiplier = 0x61C8864680B583EB;
    private const uint Magic = 2;

    private SysfsOrder()
    {
    }

    /// <summary>The tools' order.</summary>
    public static SysfsOrder Instance { get; } = new();

    /// <inheritdoc/>
    public int Compare(string? x, string? y)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(y);
        var byHash = Hash(y).CompareTo(Hash(x));
        return byHash != 0 ? byHash : string.CompareOrdinal(y, x);
    }

    /// <summary>A directory entry's position: 31 bits, of which the lowest two values and the highest are reserved.</summary>
    internal static uint Hash(string name)
    {
        var sum = 0UL;
        foreach (var letter in name)
        {
            sum = unchecked((sum + ((ulong)letter << 4) + ((ulong)letter >> 4)) * 11);
        }

        var hash = (uint)(unchecked(sum * Multiplier) >> 32) & int.MaxValue;
        hash = hash < Magic ? hash + Magic : hash;
        return hash == int.MaxValue ? int.MaxValue - 1 : hash;
    }
}
