using System.Collections.Immutable;
using System.Globalization;

namespace PmemFleet.Nvdimm.Primitives;

/// <summary>
/// Why a command was refused: the errno Linux gives, a stable rule code, the numbers the rule compared, and what would
/// have been legal. A refusal changes nothing.
/// </summary>
/// <param name="Errno">The errno that the same command gives on Linux.</param>
/// <param name="Rule">Stable, kebab-case name of the rule, such as <c>size-misaligned</c>.</param>
/// <param name="Message">One sentence for a person; Linux's or ndctl's own message where there is one.</param>
public sealed record Refusal(Errno Errno, string Rule, string Message)
{
    /// <summary>The numbers the rule compared, by name (bytes unless the name says otherwise).</summary>
    public ImmutableSortedDictionary<string, string> Numbers { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>The nearest legal values, nearest first; empty where no value is legal now.</summary>
    public ImmutableArray<string> Allowed { get; init; } = [];

    /// <summary>The request's member that was refused, as ndctl's option is named; null where the state refused.</summary>
    public string? Subject { get; init; }

    /// <summary>The same refusal with one more number.</summary>
    public Refusal With(string name, long value) =>
        this with { Numbers = Numbers.SetItem(name, value.ToString(CultureInfo.InvariantCulture)) };

    /// <summary>The same refusal with the legal values.</summary>
    public Refusal Allowing(params IEnumerable<string> values) => this with { Allowed = [.. values] };

    /// <summary>The same refusal with the member it is about.</summary>
    public Refusal About(string subject) => this with { Subject = subject };
}
