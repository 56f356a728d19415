using System.Globalization;

namespace PmemFleet.DeviceDax.Primitives;

/// <summary>An address in a simulated process.</summary>
/// <param name="Value">Bytes from 0.</param>
public readonly record struct VirtualAddress(ulong Value)
{
    /// <summary>The address in the kernel's hexadecimal form.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"0x{Value:x}");
}

/// <summary>An address in the host's physical space.</summary>
/// <param name="Value">Bytes from 0.</param>
public readonly record struct PhysicalAddress(ulong Value)
{
    /// <summary>Page frame number: the address in units of 4 KiB.</summary>
    public ulong Pfn => Value >> PageGranules.PageShift;

    /// <summary>The address in the kernel's hexadecimal form.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"0x{Value:x}");
}

/// <summary>A count of bytes.</summary>
/// <param name="Value">Bytes, 0 or more.</param>
public readonly record struct ByteCount(ulong Value)
{
    /// <summary>1 KiB.</summary>
    public const ulong KiB = 1UL << 10;

    /// <summary>1 MiB.</summary>
    public const ulong MiB = 1UL << 20;

    /// <summary>1 GiB.</summary>
    public const ulong GiB = 1UL << 30;

    /// <summary>1 TiB.</summary>
    public const ulong TiB = 1UL << 40;

    /// <summary>The number alone, in decimal.</summary>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>A contiguous range of physical memory.</summary>
/// <param name="Start">First byte.</param>
/// <param name="Length">Bytes, 1 or more.</param>
public readonly record struct PhysicalRange(PhysicalAddress Start, ByteCount Length)
{
    /// <summary>First byte after the range.</summary>
    public PhysicalAddress End => new(Start.Value + Length.Value);

    /// <summary>True when the two ranges share a byte.</summary>
    public bool Overlaps(PhysicalRange other) => Start.Value < other.End.Value && other.Start.Value < End.Value;

    /// <summary>The range as the kernel prints resources: <c>[mem 0x100000000-0x11fffffff]</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"[mem 0x{Start.Value:x}-0x{End.Value - 1:x}]");
}
