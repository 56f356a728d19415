namespace PmemFleet.Nvdimm.Primitives;

/// <summary>A count of bytes.</summary>
/// <param name="Value">Bytes, 0 or more.</param>
public readonly record struct Bytes(long Value) : IComparable<Bytes>
{
    /// <summary>1 KiB.</summary>
    public const long KiB = 1L << 10;

    /// <summary>1 MiB.</summary>
    public const long MiB = 1L << 20;

    /// <summary>1 GiB.</summary>
    public const long GiB = 1L << 30;

    /// <summary>1 TiB.</summary>
    public const long TiB = 1L << 40;

    /// <summary>No bytes.</summary>
    public static Bytes Zero => default;

    /// <inheritdoc/>
    public int CompareTo(Bytes other) => Value.CompareTo(other.Value);

    /// <summary>The number alone, in decimal.</summary>
    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);

#pragma warning disable CA2225 // arithmetic on units reads as arithmetic
    /// <summary>Sum.</summary>
    public static Bytes operator +(Bytes a, Bytes b) => new(a.Value + b.Value);

    /// <summary>Difference.</summary>
    public static Bytes operator -(Bytes a, Bytes b) => new(a.Value - b.Value);

    /// <summary>Multiple.</summary>
    public static Bytes operator *(Bytes a, int factor) => new(a.Value * factor);

    /// <summary>Share.</summary>
    public static Bytes operator /(Bytes a, int divisor) => new(a.Value / divisor);

    /// <summary>Less.</summary>
    public static bool operator <(Bytes a, Bytes b) => a.Value < b.Value;

    /// <summary>More.</summary>
    public static bool operator >(Bytes a, Bytes b) => a.Value > b.Value;

    /// <summary>Less or equal.</summary>
    public static bool operator <=(Bytes a, Bytes b) => a.Value <= b.Value;

    /// <summary>More or equal.</summary>
    public static bool operator >=(Bytes a, Bytes b) => a.Value >= b.Value;
#pragma warning restore CA2225
}

/// <summary>An address in one DIMM's own space (device physical address).</summary>
/// <param name="Value">Bytes from the DIMM's start.</param>
public readonly record struct Dpa(long Value);

/// <summary>An address in the host's physical space (system physical address).</summary>
/// <param name="Value">Bytes.</param>
public readonly record struct Spa(long Value);
