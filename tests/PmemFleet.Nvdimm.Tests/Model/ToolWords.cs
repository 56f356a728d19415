using PmemFleet.Nvdimm.Listing;
using PmemFleet.Nvdimm.Model;

namespace PmemFleet.Nvdimm.Tests.Model;

/// <summary>The words of a list command, quotes and joined options and all. Of an option that is given twice the last one counts.</summary>
internal sealed class ToolWords
{
    private const string NdctlValues = "bdrnmtU";
    private const string DaxctlValues = "rd";

    private readonly Dictionary<char, int> _counts = [];
    private readonly Dictionary<char, string> _values = [];

    public static ToolWords Parse(string command)
    {
        var words = Split(command).ToList();
        var values = words[0] == "ndctl" ? NdctlValues : DaxctlValues;
        var parsed = new ToolWords();
        for (var i = 2; i < words.Count; i++)
        {
            foreach (var letter in words[i].TrimStart('-'))
            {
                parsed._counts[letter] = parsed._counts.GetValueOrDefault(letter) + 1;
                if (values.Contains(letter, StringComparison.Ordinal))
                {
                    parsed._values[letter] = words[++i];
                    break;
                }
            }
        }

        return parsed;
    }

    public ListOptions Ndctl() => new()
    {
        Buses = Has('B'),
        Dimms = Has('D'),
        Regions = Has('R'),
        Namespaces = Has('N'),
        DaxRegions = Has('X'),
        Idle = Has('i'),
        Configured = Has('c'),
        MediaErrors = Has('M'),
        Capabilities = Has('C'),
        Human = Has('u'),
        VerboseLevel = _counts.GetValueOrDefault('v'),
        Bus = Get('b'),
        Dimm = Get('d'),
        Region = Get('r'),
        Namespace = Get('n'),
        RegionType = Get('t'),
        Mode = Get('m') is { } mode ? NamespaceModes.Parse(mode) : null,
        NumaNode = Get('U') is { } node ? int.Parse(node, System.Globalization.CultureInfo.InvariantCulture) : null,
    };

    public DaxctlOptions Daxctl() => new()
    {
        Regions = Has('R'),
        Devices = Has('D'),
        Mappings = Has('M'),
        Human = Has('u'),
        Region = Get('r'),
        Device = Get('d'),
    };

    public string? Get(char letter) => _values.GetValueOrDefault(letter);

    private bool Has(char letter) => _counts.ContainsKey(letter);

    private static IEnumerable<string> Split(string command)
    {
        var parts = command.Split('\'');
        for (var i = 0; i < parts.Length; i++)
        {
            if (i % 2 == 1)
            {
                yield return parts[i];
                continue;
            }

            foreach (var word in parts[i].Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                yield return word;
            }
        }
    }
}
