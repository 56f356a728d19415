using System.Collections.Immutable;
using System.Globalization;
using PmemFleet.Nvdimm.Binding;

namespace PmemFleet.Nvdimm.Model;

/// <summary>
/// One host's libnvdimm bus: DIMMs, regions, namespaces and their labels. It is changed by one command after another; a
/// refused command changes nothing but what Linux itself leaves behind, and nothing here does I/O: what has to happen on
/// the media is returned as steps.
/// </summary>
public sealed partial class Bus
{
    private readonly BusSnapshot _constants;
    private readonly IdTable<Dimm> _dimms = new();
    private readonly IdTable<Region> _regions = new();

    private Bus(BusSnapshot saved)
    {
        _constants = saved with { Dimms = [], Regions = [], BusyRanges = [] };
        Scrub = saved.Scrub;
        BusyRanges = saved.BusyRanges;
        foreach (var dimm in saved.Dimms)
        {
            _dimms.Add(dimm.Id, new Dimm(dimm));
        }

        foreach (var region in saved.Regions)
        {
            _regions.Add(region.Id, new Region(region, id => _dimms.Find(id)!));
        }
    }

    /// <summary><c>ACPI.NFIT</c>, <c>e820</c>, …</summary>
    public string Provider => _constants.Provider;

    /// <summary><c>ndbusN</c>.</summary>
    public string Name => string.Create(CultureInfo.InvariantCulture, $"ndbus{_constants.Id}");

    /// <summary>Its number.</summary>
    public int Id => _constants.Id;

    /// <summary>The bus's parent in sysfs.</summary>
    public string DevicePath => _constants.DevicePath;

    /// <summary>The platform maps 1 GiB pages.</summary>
    public bool SupportsPud => _constants.SupportsPud;

    /// <summary>Whether a scrub is reported, and its state.</summary>
    public ScrubState Scrub { get; set; }

    /// <summary>Ranges that something else holds.</summary>
    public ImmutableArray<BusyRange> BusyRanges { get; set; }

    /// <summary>DIMMs by number.</summary>
    public IEnumerable<Dimm> Dimms => _dimms;

    /// <summary>Regions by number.</summary>
    public IEnumerable<Region> Regions => _regions;

    /// <summary>Namespaces of all regions.</summary>
    public IEnumerable<PmemNamespace> Namespaces => _regions.SelectMany(r => r.Namespaces);

    /// <summary>The bus that <paramref name="saved"/> kept.</summary>
    public static Bus Load(BusSnapshot saved) => new(saved);

    /// <summary>Everything, as plain values; <see cref="Load"/> gives the same bus back.</summary>
    public BusSnapshot Snapshot() => _constants with
    {
        Scrub = Scrub,
        BusyRanges = BusyRanges,
        Dimms = [.. _dimms.Select(d => d.Save())],
        Regions = [.. _regions.Select(r => r.Save())],
    };

    /// <summary>The DIMM called <c>nmemN</c>, or null.</summary>
    public Dimm? FindDimm(string name) => Number(name, "nmem") is { } id ? _dimms.Find(id) : null;

    /// <summary>The region called <c>regionN</c>, or null.</summary>
    public Region? FindRegion(string name) => Number(name, "region") is { } id ? _regions.Find(id) : null;

    /// <summary>The namespace called <c>namespaceR.Y</c>, or null.</summary>
    public PmemNamespace? FindNamespace(string name) =>
        Pair(name, "namespace") is var (region, id) ? _regions.Find(region)?.NamespaceTable.Find(id) : null;

    /// <summary>The personality called <c>bttR.Y</c>, <c>pfnR.Y</c> or <c>daxR.Y</c>, or null.</summary>
    public Personality? FindPersonality(string name)
    {
        foreach (var kind in (ReadOnlySpan<PersonalityKind>)[PersonalityKind.Btt, PersonalityKind.Pfn, PersonalityKind.Dax])
        {
            if (Pair(name, Personality.Prefix(kind)) is var (region, id))
            {
                return _regions.Find(region)?.FindPersonality(kind, id);
            }
        }

        return null;
    }

    private static int? Number(ReadOnlySpan<char> name, string prefix) =>
        name.StartsWith(prefix, StringComparison.Ordinal)
        && int.TryParse(name[prefix.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : null;

    private static (int Region, int Id)? Pair(ReadOnlySpan<char> name, string prefix)
    {
        var dot = name.IndexOf('.');
        return dot > 0
            && Number(name[..dot], prefix) is { } region
            && int.TryParse(name[(dot + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? (region, id) : null;
    }
}
