using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace PmemFleet.Api.Conventions;

/// <summary>What a requirement asks of one label.</summary>
public enum LabelOperator
{
    Exists,
    DoesNotExist,
    In,
    NotIn,
}

/// <summary>One requirement of a selector.</summary>
public sealed record LabelRequirement(string Key, LabelOperator Operator, IReadOnlyList<string> Values)
{
    /// <summary>As in Kubernetes: <c>NotIn</c> and <c>!=</c> also match where the label is absent.</summary>
    public bool Matches(IReadOnlyDictionary<string, string> labels)
    {
        var present = labels.TryGetValue(Key, out var value);
        return Operator switch
        {
            LabelOperator.Exists => present,
            LabelOperator.DoesNotExist => !present,
            LabelOperator.In => present && Values.Contains(value!),
            _ => !present || !Values.Contains(value!),
        };
    }
}

/// <summary>
/// A label selector in Kubernetes' grammar: <c>a=b</c>, <c>a==b</c>, <c>a!=b</c>, <c>a in (b,c)</c>, <c>a notin (b,c)</c>, <c>a</c>,
/// <c>!a</c>, joined by commas, all of which must hold.
/// </summary>
public sealed partial class LabelSelector : IParsable<LabelSelector>
{
    /// <summary>For refusals.</summary>
    public const string Grammar = "a=b, a!=b, a in (b,c), a notin (b,c), a, !a; joined by commas";

    private LabelSelector(IReadOnlyList<LabelRequirement> requirements) => Requirements = requirements;

    public IReadOnlyList<LabelRequirement> Requirements { get; }

    public bool Matches(IReadOnlyDictionary<string, string> labels) => Requirements.All(requirement => requirement.Matches(labels));

    public static LabelSelector Parse(string s, IFormatProvider? provider) =>
        TryParse(s, provider, out var selector) ? selector : throw new FormatException($"A label selector is {Grammar}.");

    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, [MaybeNullWhen(false)] out LabelSelector result)
    {
        result = null;
        var requirements = new List<LabelRequirement>();
        for (var at = 0; s is not null && at <= s.Length;)
        {
            var match = Requirement().Match(s, at);
            if (!match.Success || ToRequirement(match) is not { } requirement)
            {
                return false;
            }

            requirements.Add(requirement);
            at += match.Length;
            if (at == s.Length)
            {
                result = new LabelSelector(requirements);
                return true;
            }

            at++;
        }

        return false;
    }

    /// <summary>A label's key: an optional DNS prefix and '/', then up to 63 of letters, digits, '-', '_', '.'.</summary>
    public static bool IsKey(string key) => Key().IsMatch(key);

    /// <summary>A label's value: empty, or up to 63 of letters, digits, '-', '_', '.', with a letter or digit at both ends.</summary>
    public static bool IsValue(string value) => Value().IsMatch(value);

    private static LabelRequirement? ToRequirement(Match match)
    {
        var key = match.Groups["key"].Value;
        string[] values = match.Groups["set"].Success ? match.Groups["set"].Value.Split(',', StringSplitOptions.TrimEntries)
            : match.Groups["value"].Success ? [match.Groups["value"].Value]
            : [];
        LabelOperator? kind = match.Groups["op"].Value switch
        {
            "=" or "==" or "in" => LabelOperator.In,
            "!=" or "notin" => LabelOperator.NotIn,
            _ => match.Groups["not"].Success ? LabelOperator.DoesNotExist : LabelOperator.Exists,
        };
        return IsKey(key) && values.All(IsValue) ? new LabelRequirement(key, kind.Value, values) : null;
    }

    [GeneratedRegex(
        @"\G\s*(?:(?<not>!)\s*(?<key>[^\s,=!()]+)|(?<key>[^\s,=!()]+)(?:\s*(?<op>==|=|!=)\s*(?<value>[^\s,=!()]*)|\s+(?<op>in|notin)\s*\((?<set>[^()=!]*)\))?)\s*(?=,|$)",
        RegexOptions.ExplicitCapture)]
    private static partial Regex Requirement();

    [GeneratedRegex(@"^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?\z", RegexOptions.ExplicitCapture)]
    private static partial Regex Key();

    [GeneratedRegex(@"^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?\z", RegexOptions.ExplicitCapture)]
    private static partial Regex Value();
}
