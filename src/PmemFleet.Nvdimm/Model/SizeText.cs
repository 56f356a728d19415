using System.Globalization;

namespace PmemFleet.Nvdimm.Model;

/// <summary>A size as ndctl's options take it: digits and a unit, <c>4G</c> or <c>4GiB</c>.</summary>
/// <param name="Bytes">Bytes.</param>
/// <param name="Unit">Bytes of the unit it was given in: 1, 1024, 1024², …</param>
public readonly record struct SizeText(long Bytes, long Unit)
{
    private const string Units = "KMGTPE";

    /// <summary>The unit's letter, or nothing.</summary>
    public string Suffix => Unit == 1 ? "" : Units[(System.Numerics.BitOperations.Log2((ulong)Unit) / 10) - 1].ToString();

    /// <summary>Reads <paramref name="text"/>; null where it is not a size or does not fit 63 bits.</summary>
    public static SizeText? Parse(string text)
    {
        var digits = text.AsSpan().TrimStart('0').Length == 0 ? text.Length : text.AsSpan().IndexOfAnyExceptInRange('0', '9');
        digits = digits < 0 ? text.Length : digits;
        var suffix = text.AsSpan(digits);
        var unit = 1L;
        if (suffix.Length > 0)
        {
            var at = Units.IndexOf(suffix[0], StringComparison.OrdinalIgnoreCase);
            if (at < 0 || suffix[1..] is not ("" or "B" or "iB"))
            {
                return null;
            }

            unit = 1L << (10 * (at + 1));
        }

        return long.TryParse(text.AsSpan(0, digits), NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count <= long.MaxValue / unit
            ? new SizeText(count * unit, unit) : null;
    }
}
