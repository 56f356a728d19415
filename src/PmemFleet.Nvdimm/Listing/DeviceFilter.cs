using System.Globalization;

namespace PmemFleet.Nvdimm.Listing;

/// <summary>
/// What a tool's filter takes: names with spaces between, <c>all</c>, or a number. Only the first word can be a number: the tools read it
/// from the whole text each time (y_lists: <c>daxctl list -r '0 1'</c> gives region 0).
/// </summary>
internal sealed class DeviceFilter
{
    private readonly string[] _words;
    private readonly ulong? _number;

    private DeviceFilter(string text)
    {
        _words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        _number = _words.Length > 0 ? Number(_words[0]) : null;
    }

    /// <summary>Null where everything is taken.</summary>
    public static DeviceFilter? Of(string? text) => text is null or "all" ? null : new DeviceFilter(text);

    /// <summary>A device with one number: a bus, a region or a DIMM.</summary>
    public bool Takes(string name, int id, string? otherName = null) => _words.Length > 0
        && ((_number is { } number && number == (ulong)id) || _words.Any(word => word == "all" || word == name || word == otherName));

    /// <summary>A device with two numbers, <c>R.Y</c>: a namespace or a dax device.</summary>
    public bool Takes(string name, int region, int id)
    {
        var pair = string.Create(CultureInfo.InvariantCulture, $"{region}.{id}");
        return _words.Any(word => word == "all" || word == name || Pair(word) == pair);
    }

    private static string? Pair(string word)
    {
        var parts = word.Split('.');
        return parts.Length == 2 && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var region)
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            ? string.Create(CultureInfo.InvariantCulture, $"{region}.{id}") : null;
    }

    /// <summary>Decimal, 0x with hexadecimal digits, or 0 with octal ones.</summary>
    private static ulong? Number(string word)
    {
        if (word.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
        {
            return ulong.TryParse(word.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var hex) ? hex : null;
        }

        if (!ulong.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return null;
        }

        if (word[0] != '0')
        {
            return number;
        }

        return word.Length > 20 || word.AsSpan().ContainsAnyExceptInRange('0', '7')
            ? null
            : word.Aggregate(0UL, (octal, digit) => (octal * 8) + (ulong)(digit - '0'));
    }
}
