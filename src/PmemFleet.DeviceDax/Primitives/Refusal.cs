using System.Collections.Immutable;
using System.Globalization;

namespace PmemFleet.DeviceDax.Primitives;

/// <summary>
/// Why a call was refused: the errno Linux gives, a stable rule code, the numbers the rule compared, what would have been
/// legal, and the line the kernel would have logged. A refusal is a value: the call changed nothing, unless its rule says so.
/// </summary>
/// <param name="Errno">The errno of the same call on Linux.</param>
/// <param name="Rule">Stable kebab-case name of the rule, such as <c>mmap-unaligned-vma</c>.</param>
/// <param name="Message">One sentence for a person.</param>
public sealed record Refusal(Errno Errno, string Rule, string Message)
{
    /// <summary>The numbers the rule compared, by name; addresses in hexadecimal, the rest in decimal bytes.</summary>
    public ImmutableSortedDictionary<string, string> Numbers { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>The nearest legal values, nearest first.</summary>
    public ImmutableArray<string> Allowed { get; init; } = [];

    /// <summary>The argument that was refused, by the name of the system call's parameter.</summary>
    public string? Subject { get; init; }

    /// <summary>The kernel's own log line, without timestamp; null where Linux is silent.</summary>
    public string? KernelMessage { get; init; }

    /// <summary>The same refusal with one more number.</summary>
    public Refusal With(string name, ulong value) =>
        this with { Numbers = Numbers.SetItem(name, value.ToString(CultureInfo.InvariantCulture)) };

    /// <summary>The same refusal with one more address.</summary>
    public Refusal WithAddress(string name, ulong value) =>
        this with { Numbers = Numbers.SetItem(name, string.Create(CultureInfo.InvariantCulture, $"0x{value:x}")) };

    /// <summary>The same refusal with the legal values.</summary>
    public Refusal Allowing(params IEnumerable<string> values) => this with { Allowed = [.. values] };

    /// <summary>The same refusal with the multiples of a unit next to an address, nearest first.</summary>
    internal Refusal AllowingMultiples(ulong address, ulong unit) => Allowing(Multiples(address, unit).Select(value => string.Create(CultureInfo.InvariantCulture, $"0x{value:x}")));

    /// <summary>The same refusal with the multiples of a unit next to a number of bytes, nearest first.</summary>
    /// <param name="value">What was refused.</param>
    /// <param name="unit">The unit.</param>
    /// <param name="least">The smallest that is legal.</param>
    /// <param name="most">The largest that is legal; nothing is allowed where it is below the smallest.</param>
    internal Refusal AllowingBytes(ulong value, ulong unit, ulong least = 0, ulong most = ulong.MaxValue) =>
        Allowing(Multiples(value, unit, least, most).Select(bytes => bytes.ToString(CultureInfo.InvariantCulture)));

    private static UInt128[] Multiples(ulong value, ulong unit, ulong least = 0, ulong most = ulong.MaxValue)
    {
        var (low, high) = (((UInt128)least + unit - 1) / unit * unit, (UInt128)most / unit * unit);
        if (high < low)
        {
            return [];
        }

        var down = UInt128.Clamp(value / unit * unit, low, high);
        var up = value <= down || down == high ? down : down + unit;
        return down == up ? [down] : value - down < up - value ? [down, up] : [up, down];
    }

    /// <summary>The same refusal with the argument it is about.</summary>
    public Refusal About(string subject) => this with { Subject = subject };
}
