using System.Globalization;

namespace PmemFleet.Api.Hosts;

/// <summary>Names of devices: <c>nmem0</c>, <c>region0</c>, <c>namespace0.1</c>, <c>dax0.1</c>. Only the one spelling names something.</summary>
public static class DeviceName
{
    public static int? Number(string name, string prefix) =>
        name.StartsWith(prefix, StringComparison.Ordinal) ? Digits(name.AsSpan(prefix.Length)) : null;

    public static (int Region, int Number)? Pair(string name, string prefix)
    {
        var dot = name.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 && Number(name[..dot], prefix) is { } region && Digits(name.AsSpan(dot + 1)) is { } number ? (region, number) : null;
    }

    private static int? Digits(ReadOnlySpan<char> digits) =>
        (digits.Length == 1 || (digits.Length > 1 && digits[0] != '0'))
        && int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
