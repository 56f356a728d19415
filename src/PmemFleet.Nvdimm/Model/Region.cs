using System.Globalization;
using PmemFleet.Nvdimm.Allocation;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.InterleaveSet;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Model;

/// <summary>A DIMM's part of a region.</summary>
/// <param name="Dimm">The DIMM.</param>
/// <param name="Part">Its DPA range.</param>
/// <param name="Position">The DIMM's place in the interleave order.</param>
/// <param name="RegionOffset">NFIT region offset.</param>
public sealed record Mapping(Dimm Dimm, DpaMapping Part, int Position, ulong RegionOffset);

/// <summary>A region: <c>regionN</c>.</summary>
public sealed class Region
{
    /// <summary>Unit of sizes where the region is large enough.</summary>
    public const long DefaultAlign = 16 * Bytes.MiB;

    /// <summary>A page.</summary>
    public const long PageBytes = 4096;

    private readonly IdTable<Personality>[] _personalities = [new(), new(), new()];
    private readonly Personality?[] _seeds = new Personality?[3];
    private SetCookies? _cookies;

    internal Region(RegionSnapshot saved, Func<int, Dimm> dimm)
    {
        Id = saved.Id;
        Uuid = saved.Uuid;
        Name = string.Create(CultureInfo.InvariantCulture, $"region{saved.Id}");
        Kind = saved.Kind;
        Start = saved.Start.Value;
        Size = saved.Size.Value;
        Mappings = [.. saved.Mappings.Select(m => new Mapping(dimm(m.Dimm), new DpaMapping(m.Start.Value, m.Size.Value), m.Position, m.RegionOffset))];
        Align = saved.Align.Value;
        ReadOnly = saved.ReadOnly;
        Enabled = saved.Enabled;
        PersistenceDomain = saved.PersistenceDomain;
        NumaNode = saved.NumaNode;
        TargetNode = saved.TargetNode;
        HasFlushHints = saved.HasFlushHints;
        InitialNamespaces = saved.InitialNamespaces;
        LoadDevices(saved);
    }

    /// <summary>The number N of <c>regionN</c>.</summary>
    public int Id { get; }

    /// <summary>The caller's stable id.</summary>
    public Guid Uuid { get; }

    /// <summary><c>regionN</c>.</summary>
    public string Name { get; }

    /// <summary>What it is made of.</summary>
    public RegionKind Kind { get; }

    /// <summary>First system-physical address.</summary>
    public long Start { get; }

    /// <summary>Bytes.</summary>
    public long Size { get; }

    /// <summary>DIMMs in mapping order.</summary>
    public IReadOnlyList<Mapping> Mappings { get; }

    /// <summary>DIMMs, at least 1 for arithmetic.</summary>
    public int Ways => Math.Max(1, Mappings.Count);

    /// <summary>Unit of namespace sizes and starts.</summary>
    public long Align { get; internal set; }

    /// <summary>Nothing may be written.</summary>
    public bool ReadOnly { get; internal set; }

    /// <summary>The driver is bound.</summary>
    public bool Enabled { get; internal set; }

    /// <summary>When writes are durable.</summary>
    public PersistenceDomain PersistenceDomain { get; }

    /// <summary>NUMA node; negative is none.</summary>
    public int NumaNode { get; }

    /// <summary>The node its memory would have when onlined; negative is none.</summary>
    public int TargetNode { get; }

    /// <summary>The platform gives flush hint addresses.</summary>
    public bool HasFlushHints { get; }

    /// <summary>Namespaces the last probe found or made.</summary>
    public int InitialNamespaces { get; internal set; }

    /// <summary>Namespaces by number.</summary>
    public IEnumerable<PmemNamespace> Namespaces => NamespaceTable;

    /// <summary>The idle namespace that the next create uses, or null.</summary>
    public PmemNamespace? NamespaceSeed { get; internal set; }

    /// <summary>Labels, or one whole namespace (spec 10 section 14).</summary>
    public NamespaceKind NamespaceKind =>
        Mappings.Any(m => m.Dimm.Labelling || m.Dimm.Identity.Aliases) ? NamespaceKind.Pmem : NamespaceKind.Io;

    /// <summary>The set's cookies; null where there are no DIMMs.</summary>
    public SetCookies? Cookies => Mappings.Count == 0
        ? null
        : _cookies ??= SetCookies.Of([.. Mappings.Select(m => new SetMember(
            m.RegionOffset, m.Dimm.Identity.SerialNumber, m.Dimm.Identity.VendorId, m.Dimm.Identity.ManufacturingDate, m.Dimm.Identity.ManufacturingLocation))]);

    /// <summary>The cookie in use: by the first DIMM's index; cookie 1 while that DIMM has no driver data (spec 10 section 9).</summary>
    public ulong Cookie => Cookies is not { } cookies ? 0 : cookies.For(Mappings[0].Dimm.Labels?.SelectsFirstCookie ?? true);

    /// <summary>Bytes no label reserves, over all DIMMs; 0 while one is disabled.</summary>
    public long AvailableSize
    {
        get
        {
            var sum = 0L;
            foreach (var mapping in Mappings)
            {
                if (!HasDriverData(mapping.Dimm))
                {
                    return 0;
                }

                sum += mapping.Dimm.Space.Available(mapping.Part, Align / Ways);
            }

            return sum;
        }
    }

    /// <summary>The largest namespace that could be made now (spec 10 section 13).</summary>
    public long MaxAvailableExtent
    {
        get
        {
            var smallest = 0L;
            foreach (var mapping in Mappings)
            {
                var hole = HasDriverData(mapping.Dimm) ? mapping.Dimm.Space.LargestHole(mapping.Part, Align / Ways) : 0;
                smallest = smallest == 0 || (hole != 0 && hole < smallest) ? hole : smallest;
            }

            return smallest * Ways;
        }
    }

    internal IdTable<PmemNamespace> NamespaceTable { get; } = new();

    /// <summary>Some labels of the region are in use: what the kernel's list of labels per mapping says (spec 10 section 15).</summary>
    internal bool HasLabels => NamespaceTable.Any(n => n.Size > 0);

    /// <summary>The idle personality of a kind, or null while the region is disabled.</summary>
    public Personality? Seed(PersonalityKind kind) => _seeds[(int)kind];

    /// <summary>Personalities of a kind by number.</summary>
    public IEnumerable<Personality> Personalities(PersonalityKind kind) => _personalities[(int)kind];

    /// <summary>All personalities by kind and number.</summary>
    public IEnumerable<Personality> AllPersonalities() => _personalities.SelectMany(p => p);

    internal static bool HasDriverData(Dimm dimm) => dimm.Enabled && dimm.Area is not null;

    internal Personality? FindPersonality(PersonalityKind kind, int id) => _personalities[(int)kind].Find(id);

    internal void SetSeed(PersonalityKind kind, Personality? personality) => _seeds[(int)kind] = personality;

    internal Personality AddPersonality(PersonalityKind kind)
    {
        var table = _personalities[(int)kind];
        var made = new Personality(this, kind, table.NextId);
        table.Add(made.Id, made);
        return made;
    }

    internal void RemovePersonality(Personality personality) => _personalities[(int)personality.Kind].Remove(personality.Id);

    internal PmemNamespace AddNamespace(NamespaceKind kind)
    {
        var made = new PmemNamespace(this, NamespaceTable.NextId, kind);
        NamespaceTable.Add(made.Id, made);
        return made;
    }

    internal void RemoveDevices()
    {
        NamespaceTable.Clear();
        Array.ForEach(_personalities, p => p.Clear());
        Array.Clear(_seeds);
        NamespaceSeed = null;
    }

    /// <summary>The alignment a region starts with (spec 20 section 2).</summary>
    internal static long InitialAlign(long size, int ways)
    {
        var align = size < DefaultAlign ? PageBytes : DefaultAlign;
        return align % Math.Max(1, ways) == 0 ? align : align * ways;
    }

    internal RegionSnapshot Save()
    {
        return new RegionSnapshot
        {
            Id = Id,
            Uuid = Uuid,
            Kind = Kind,
            Start = new Spa(Start),
            Size = new Bytes(Size),
            Mappings = [.. Mappings.Select(m => new MappingSnapshot(m.Dimm.Id, new Primitives.Dpa(m.Part.Start), new Bytes(m.Part.Size), m.Position, m.RegionOffset))],
            Align = new Bytes(Align),
            ReadOnly = ReadOnly,
            Enabled = Enabled,
            PersistenceDomain = PersistenceDomain,
            NumaNode = NumaNode,
            TargetNode = TargetNode,
            HasFlushHints = HasFlushHints,
            InitialNamespaces = InitialNamespaces,
            NamespaceSeed = NamespaceSeed?.Id,
            BttSeed = Seed(PersonalityKind.Btt)?.Id,
            PfnSeed = Seed(PersonalityKind.Pfn)?.Id,
            DaxSeed = Seed(PersonalityKind.Dax)?.Id,
            Namespaces = [.. NamespaceTable.Select(n => n.Save())],
            Personalities = [.. AllPersonalities().Select(p => p.Save())],
        };
    }

    private void LoadDevices(RegionSnapshot saved)
    {
        foreach (var one in saved.Namespaces)
        {
            NamespaceTable.Add(one.Id, new PmemNamespace(this, one.Id, one.Kind)
            {
                Uuid = one.Uuid,
                AltName = one.AltName,
                Size = one.Size.Value,
                Start = one.Start?.Value ?? 0,
                SectorSize = one.SectorSize,
                ClaimClass = one.ClaimClass,
                UnknownAbstraction = one.UnknownAbstraction,
                ForceRaw = one.ForceRaw,
                State = one.State,
                Pending = one.Pending,
                Mounted = one.Mounted,
            });
        }

        foreach (var one in saved.Personalities)
        {
            var personality = new Personality(this, one.Kind, one.Id)
            {
                Uuid = one.Uuid,
                SectorSize = one.SectorSize,
                Map = one.Map,
                Align = one.Align,
                Bound = one.Bound,
                Namespace = one.Namespace is { } id ? NamespaceTable.Find(id) : null,
            };
            _personalities[(int)one.Kind].Add(one.Id, personality);
            if (personality.Namespace is { } attached)
            {
                attached.Claim = personality;
            }
        }

        NamespaceSeed = saved.NamespaceSeed is { } seed ? NamespaceTable.Find(seed) : null;
        foreach (var (kind, id) in new[] { (PersonalityKind.Btt, saved.BttSeed), (PersonalityKind.Pfn, saved.PfnSeed), (PersonalityKind.Dax, saved.DaxSeed) })
        {
            _seeds[(int)kind] = id is { } number ? FindPersonality(kind, number) : null;
        }
    }
}
