using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Listing;
using PmemFleet.Nvdimm.Model;

namespace PmemFleet.Nvdimm.Tests.Model;

/// <summary>An ndctl command line.</summary>
internal sealed class Words
{
    private const string WithValue = "bruneVsmMlatd";
    private readonly List<(string Name, string? Value)> _options = [];

    public List<string> Rest { get; } = [];

    public static Words Parse(string[] words)
    {
        var parsed = new Words();
        for (var i = 0; i < words.Length; i++)
        {
            var word = words[i];
            if (!word.StartsWith('-') || word.Length == 1)
            {
                parsed.Rest.Add(word);
            }
            else if (word.Length == 2 && WithValue.Contains(word[1], StringComparison.Ordinal) && i + 1 < words.Length)
            {
                parsed._options.Add((word, words[++i]));
            }
            else
            {
                // the last of several may take the next word: -Nim raw
                var takes = WithValue.Contains(word[^1], StringComparison.Ordinal) && i + 1 < words.Length && word.All(c => c is '-' || char.IsAsciiLetter(c)) && "mnr".Contains(word[^1], StringComparison.Ordinal);
                parsed._options.AddRange(word[1..].Select((c, at) => ($"-{c}", takes && at == word.Length - 2 ? words[++i] : null)));
            }
        }

        return parsed;
    }

    public bool Has(string name) => _options.Any(o => o.Name == name);

    public string? Get(string name) => _options.FirstOrDefault(o => o.Name == name).Value;

    public NamespaceOptions? Options(out string wrong)
    {
        wrong = "parsed";
        var mode = Get("-m") is { } m ? NamespaceModes.Parse(m) : null;
        var size = Get("-s") is { } s ? SizeText.Parse(s) : null;
        var align = Get("-a") is { } a ? SizeText.Parse(a) : null;
        if ((Has("-m") && mode is null) || (Has("-s") && size is null) || (Has("-a") && align is null)
            || (Has("-M") && Get("-M") is not ("mem" or "dev")) || (Has("-u") && !Guid.TryParse(Get("-u"), out _)) || Get("-t") is not (null or "pmem" or "blk"))
        {
            return null;
        }

        return new NamespaceOptions
        {
            Uuid = Guid.Empty,
            PersonalityUuid = Guid.Empty,
            Region = Get("-t") == "blk" ? "no-blk-regions" : Get("-r"),
            Mode = mode,
            Size = size,
            Name = Get("-n"),
            Map = Get("-M") switch { "mem" => MapLocation.Ram, "dev" => MapLocation.Pmem, _ => null },
            Align = align,
            SectorSize = Get("-l") is { } l ? (int)SizeText.Parse(l)!.Value.Bytes : null,
            Force = Has("-f"),
            AutoLabel = !Has("-L"),
        };
    }

    public ListOptions List() => new()
    {
        Buses = Has("-B"),
        Dimms = Has("-D"),
        Regions = Has("-R"),
        Namespaces = Has("-N") || Has("-v"),
        DaxRegions = Has("-X") || Has("-v"),
        Verbose = Has("-v"),
        Idle = Has("-i"),
        MediaErrors = Has("-M"),
        Bus = Get("-b"),
        Dimm = Get("-d"),
        RegionType = Get("-t"),
        Region = Get("-r"),
        Namespace = Get("-n"),
        Mode = Get("-m") is { } m ? NamespaceModes.Parse(m) : null,
        Human = Has("-u"),
    };
}
