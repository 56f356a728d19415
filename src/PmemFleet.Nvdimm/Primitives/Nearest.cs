using System.Globalization;

namespace PmemFleet.Nvdimm.Primitives;

/// <summary>The legal values nearest a refused one, nearest first, as a refusal shows them; none where none is legal.</summary>
internal static class Nearest
{
    /// <summary>The multiples of <paramref name="unit"/> from <paramref name="least"/> to <paramref name="most"/> next to a value: one or two.</summary>
    public static string[] Multiples(long value, long unit, long least = 0, long most = long.MaxValue)
    {
        var low = Int128.Max(0, (least + (Int128)unit - 1) / unit * unit);
        var high = (Int128)most / unit * unit;
        if (most < 0 || high < low)
        {
            return [];
        }

        var down = Int128.Clamp(value / unit * unit, low, high);
        var up = value <= down || down == high ? down : down + unit;
        return down == up ? [Text(down)] : value - down < up - value ? [Text(down), Text(up)] : [Text(up), Text(down)];
    }

    /// <summary>Those of a list, by their distance from the value.</summary>
    public static IEnumerable<string> Of(IEnumerable<long> legal, long value) =>
        legal.OrderBy(candidate => Int128.Abs((Int128)candidate - value)).Select(candidate => Text(candidate));

    /// <summary>A text's longest beginning of whole characters that has at most <paramref name="bytes"/> bytes of UTF-8.</summary>
    public static string Text(string text, int bytes)
    {
        var fits = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if ((bytes -= rune.Utf8SequenceLength) < 0)
            {
                break;
            }

            fits += rune.Utf16SequenceLength;
        }

        return text[..fits];
    }

    private static string Text(Int128 value) => value.ToString(CultureInfo.InvariantCulture);
}
