using System.Globalization;
using PmemFleet.Contracts.Hosts;

namespace PmemFleet.Api.Hosts;

/// <summary>Differences of one object, with both values as texts.</summary>
/// <param name="subject">The object, such as <c>namespace0.1</c>.</param>
public sealed class HostDifferences(string subject)
{
    private readonly List<HostDifferenceDto> _found = [];

    public IReadOnlyList<HostDifferenceDto> Found => _found;

    public void Compare<T>(string field, T onMedia, T inRows)
    {
        if (!EqualityComparer<T>.Default.Equals(onMedia, inRows))
        {
            Add(field, Text(onMedia), Text(inRows));
        }
    }

    public void Add(string field, string onMedia, string inRows) =>
        _found.Add(new HostDifferenceDto { Subject = subject, Field = field, OnMedia = onMedia, InRows = inRows });

    private static string Text<T>(T value) => value switch
    {
        null => "none",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "none",
    };
}
