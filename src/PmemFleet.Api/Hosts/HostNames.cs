using System.Text.RegularExpressions;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts.Problems;

namespace PmemFleet.Api.Hosts;

/// <summary>Names and labels of hosts.</summary>
public static partial class HostNames
{
    private const int MostLabels = 64;

    public static bool IsName(string name) => Name().IsMatch(name);

    public static RefusalDto? CheckLabels(IReadOnlyDictionary<string, string>? labels)
    {
        if (labels is { Count: > MostLabels })
        {
            return Refusals.Invalid("label-count", "labels", $"A host has at most {MostLabels} labels.", $"{MostLabels}").With("labels", labels.Count);
        }

        foreach (var (key, value) in labels ?? new Dictionary<string, string>())
        {
            if (!LabelSelector.IsKey(key) || value is null || !LabelSelector.IsValue(value))
            {
                var pointer = key.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);
                return Refusals.Invalid(
                    "label-invalid",
                    $"labels/{pointer}",
                    "A label's key and value are of Kubernetes' grammar: up to 63 letters, digits, '-', '_' and '.', a letter or digit at both ends.");
            }
        }

        return null;
    }

    [GeneratedRegex(@"^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?\z", RegexOptions.ExplicitCapture)]
    private static partial Regex Name();
}
