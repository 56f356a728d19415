using System.Collections.Frozen;
using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace PmemFleet.Api.OpenApi;

/// <summary>Summaries of properties, from the documentation file beside the assembly: the generator reads those of bodies, but not those of queries.</summary>
public static partial class XmlSummaries
{
    private static readonly Lazy<FrozenDictionary<string, string>> All = new(Read);

    public static string? Of(PropertyInfo property) => All.Value.GetValueOrDefault($"P:{property.DeclaringType!.FullName}.{property.Name}");

    private static FrozenDictionary<string, string> Read()
    {
        var file = Path.ChangeExtension(typeof(XmlSummaries).Assembly.Location, ".xml");
        return XDocument.Load(file).Descendants("member")
            .Where(member => member.Element("summary") is not null)
            .ToFrozenDictionary(member => (string)member.Attribute("name")!, member => ToText(member.Element("summary")!));
    }

    private static string ToText(XElement summary)
    {
        foreach (var code in summary.Descendants("c").ToArray())
        {
            code.ReplaceWith($"`{code.Value}`");
        }

        return Spaces().Replace(summary.Value, " ").Trim();
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
