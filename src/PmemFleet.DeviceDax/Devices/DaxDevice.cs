using System.Collections.Immutable;
using PmemFleet.DeviceDax.AddressSpaces;
using PmemFleet.DeviceDax.Machines;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.Devices;

/// <summary>
/// One enabled life of <c>/dev/daxX.Y</c>. Disabling ends it for good: enabling again makes a new object, and descriptors and
/// mappings of this one stay dead (spec 50 section 9). All members may be used from any thread.
/// </summary>
public sealed partial class DaxDevice : FileNode
{
    private readonly Lock _gate = new();
    private readonly Dictionary<Process, int> _mappers = [];
    private readonly HashSet<ulong> _dirtyGranules = [];
    private volatile bool _isAlive = true;
    private Revocation? _revocation;
    private int _openFiles;
    private int _mappings;
    private long _pins;
    private bool _isHeldBySystem = true;
    private bool _isRehearsed;

    internal DaxDevice(Machine machine, DaxRegion region, DaxDeviceSpec spec, ImmutableArray<DaxExtent> extents, DeviceNumber number, long inodeNumber)
        : base($"/dev/dax{region.Id}.{spec.Instance}")
    {
        Machine = machine;
        Region = region;
        Name = $"dax{region.Id}.{spec.Instance}";
        Instance = spec.Instance;
        Granule = spec.Granule ?? region.Granule;
        Extents = extents;
        HasStructPages = spec.HasStructPages;
        TargetNode = spec.TargetNode;
        Number = number;
        InodeNumber = inodeNumber;
    }

    /// <summary>The device's name, such as <c>dax0.0</c>.</summary>
    public string Name { get; }

    /// <summary>Y of daxX.Y.</summary>
    public int Instance { get; }

    /// <summary>The region it was taken from.</summary>
    public DaxRegion Region { get; }

    /// <summary>The one page size of all its mappings.</summary>
    public PageGranule Granule { get; }

    /// <summary>The align attribute, bytes.</summary>
    public ByteCount Align => new(Granule.Bytes());

    /// <summary>Its physical ranges by page offset.</summary>
    public ImmutableArray<DaxExtent> Extents { get; }

    /// <summary>Sum of its ranges.</summary>
    public ByteCount Size => new(Extents.Aggregate(0UL, (sum, e) => sum + e.Range.Length.Value));

    /// <summary>Whether its memory has struct pages (PFN_MAP); without them nothing can be pinned (spec 50 section 7).</summary>
    public bool HasStructPages { get; }

    /// <summary>The NUMA node it would come online as; -1 for none.</summary>
    public int TargetNode { get; }

    /// <summary>Its device number; held until the last file and mapping are gone.</summary>
    public DeviceNumber Number { get; }

    /// <summary>Inode of the dax pseudo filesystem: one for all opens of all nodes (spec 50 section 8).</summary>
    public override long InodeNumber { get; }

    /// <inheritdoc/>
    public override PageGranule PageSize => Granule;

    /// <inheritdoc/>
    public override bool IsDax => true;

    /// <summary>False from the first step of a disable on.</summary>
    public bool IsAlive => _isAlive;

    /// <summary>How often the object was released: 0 while anything holds it, then 1 (seed rows 73 and 74).</summary>
    public int ReleaseCount { get; private set; }

    /// <summary>Open files, mappings and pins that hold this life of the device.</summary>
    public DaxDeviceReferences References
    {
        get
        {
            lock (_gate)
            {
                return new(_openFiles, _mappings, _pins);
            }
        }
    }

    internal Machine Machine { get; }

    /// <summary>
    /// The physical address behind a page offset, if a whole granule from there lies in the extent that covers it; no later
    /// extent is tried (spec 50 section 6, seed row 65).
    /// </summary>
    public PhysicalAddress? Lookup(ulong pageOffset, PageGranule granule) =>
        TryLookup(pageOffset, granule.Bytes(), out var physical) ? new(physical) : null;

    internal bool TryLookup(ulong pageOffset, ulong lengthBytes, out ulong physical)
    {
        foreach (ref readonly var extent in Extents.AsSpan())
        {
            var pages = extent.Range.Length.Value >> PageGranules.PageShift;
            if (pageOffset - extent.PageOffset < pages)
            {
                physical = extent.Range.Start.Value + ((pageOffset - extent.PageOffset) << PageGranules.PageShift);
                return physical + lengthBytes <= extent.Range.End.Value;
            }
        }

        physical = 0;
        return false;
    }

    internal bool IsGranuleDirty(ulong physical)
    {
        lock (_gate)
        {
            return _dirtyGranules.Count > 0 && _dirtyGranules.Contains(physical >> Granule.Shift());
        }
    }

    internal bool HasDirtyGranules
    {
        get
        {
            lock (_gate)
            {
                return _dirtyGranules.Count > 0;
            }
        }
    }

    internal void MarkDirty(ulong physical)
    {
        lock (_gate)
        {
            _dirtyGranules.Add(physical >> Granule.Shift());
        }
    }
}

/// <summary>What holds a dax device.</summary>
/// <param name="OpenFiles">Open file descriptions.</param>
/// <param name="Mappings">Mappings in all processes.</param>
/// <param name="PinnedPages">Pages pinned by get_user_pages.</param>
public readonly record struct DaxDeviceReferences(int OpenFiles, int Mappings, long PinnedPages);
