using System.Globalization;

namespace PmemFleet.Api.Conventions;

/// <summary>Where a page of things below hosts begins: after this host's thing with these numbers.</summary>
public sealed record PlaceCursor(string Host, IReadOnlyList<long> Numbers)
{
    /// <summary>Before everything: host names are not empty.</summary>
    private static readonly PlaceCursor Start = new(string.Empty, []);

    /// <summary>The cursor's place; the beginning where it is of another list.</summary>
    public static PlaceCursor Of(ListQuery query, int numbers)
    {
        var parts = query.AfterKey()?.Split('/') ?? [];
        var parsed = parts.Skip(1).Select(part => long.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : -1).ToArray();
        return parts.Length == numbers + 1 && parsed.All(number => number >= 0) ? new PlaceCursor(parts[0], parsed) : Start with { Numbers = new long[numbers] };
    }

    public static string Key(string host, params IEnumerable<long> numbers) =>
        string.Join('/', numbers.Select(number => number.ToString(CultureInfo.InvariantCulture)).Prepend(host));
}
