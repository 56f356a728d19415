using System.Globalization;
using System.Text.RegularExpressions;

namespace PmemFleet.Api.Fleets;

/// <summary>Names with a number in them: <c>rack1-{n}</c>, or <c>{n:3}</c> for at least three digits.</summary>
public static partial class FleetNames
{
    public static bool HasNumber(string pattern) => Number().IsMatch(pattern);

    public static string Fill(string pattern, int number) => Number().Replace(pattern, match =>
        number.ToString(CultureInfo.InvariantCulture).PadLeft(match.Groups["digits"].Success ? match.Groups["digits"].Value[0] - '0' : 1, '0'));

    [GeneratedRegex(@"\{n(:(?<digits>[1-9]))?\}", RegexOptions.ExplicitCapture)]
    private static partial Regex Number();
}
