using PmemFleet.Nvdimm.Badblocks;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Btt;
using PmemFleet.Nvdimm.Listing;
using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Model;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Tests.Model;

/// <summary>A worker's part with bytes: each region has media of its own, and binds, checks and clears work on them.</summary>
internal sealed class ReplayMedia
{
    private const int Sector = 512;

    private readonly Dictionary<long, MemoryMedia> _regions = [];

    /// <summary>What the last check found, and how the last clear ended.</summary>
    public BttCheckResult? Checked { get; private set; }

    public Outcome<int>? Cleared { get; private set; }

    /// <summary>Media of a region; errors are injected there.</summary>
    public MemoryMedia Of(Region region)
    {
        if (!_regions.TryGetValue(region.Start, out var media))
        {
            _regions.Add(region.Start, media = new MemoryMedia(region.Size));
        }

        return media;
    }

    public RangeMedia Of(PmemNamespace device) => new(Of(device.Region), device.Start - device.Region.Start, device.Size);

    /// <summary>Does the steps; gives the outcome of the last bind.</summary>
    public Outcome<PmemNamespace>? Run(Bus bus, IEnumerable<MediaStep> steps)
    {
        (Checked, Cleared) = (null, null);
        Outcome<PmemNamespace>? last = null;
        foreach (var step in steps)
        {
            switch (step)
            {
                case MediaStep.ZeroInfoBlocks zero:
                    _ = In(bus, zero.Start.Value).ClearPoison(zero.Start.Value - RegionAt(bus, zero.Start.Value).Start, zero.Length.Value);
                    In(bus, zero.Start.Value).Zero(zero.Start.Value - RegionAt(bus, zero.Start.Value).Start, zero.Length.Value);
                    break;
                case MediaStep.CheckBtt check:
                    Checked = BttCheck.Examine(Range(bus, check.Start, check.Size), check.ParentUuid, check.Options);
                    break;
                case MediaStep.ClearErrors clear:
                    var region = RegionAt(bus, clear.Start.Value);
                    Cleared = ErrorClearing.ClearAll(Badblocks(region), clear.Start.Value - region.Start, clear.Length.Value, Of(region).ClearPoison);
                    break;
                case MediaStep.Bind bind:
                    last = bus.Complete(bind.Namespace, NamespaceBinder.Bind(bind.Plan, Range(bus, bind.Plan.Start, bind.Plan.Size)));
                    break;
            }
        }

        return last;
    }

    public BadblockTable Badblocks(Region region)
    {
        var known = new BusBadRanges();
        foreach (var range in Of(region).Known.Ranges)
        {
            known.Add(range.Start, range.Length);
        }

        var table = new BadblockTable();
        known.Populate(table, 0, region.Size);
        return table;
    }

    /// <summary>Reads a block device; null where there is none of that name.</summary>
    public Errno? Read(Bus bus, string blockDevice, long offset, Span<byte> bytes) => Open(bus, blockDevice) switch
    {
        null => Errno.ENOENT,
        BttDevice btt => btt.Read(offset, bytes),
        BlockAccess disk => disk.Read(offset, bytes),
        _ => throw new InvalidOperationException(blockDevice),
    };

    public Errno? Write(Bus bus, string blockDevice, long offset, ReadOnlySpan<byte> bytes) => Open(bus, blockDevice) switch
    {
        null => Errno.ENOENT,
        BttDevice btt => btt.Write(offset, bytes),
        BlockAccess disk => disk.Write(offset, bytes).Failure,
        _ => throw new InvalidOperationException(blockDevice),
    };

    /// <summary>Changes bytes of a raw block device through the page cache, which reads and writes whole sectors.</summary>
    public Errno? Change(Bus bus, string blockDevice, long offset, int length, Action<byte[]> change)
    {
        var first = offset / Sector * Sector;
        var bytes = new byte[(((offset + length + Sector - 1) / Sector) * Sector) - first];
        if (Read(bus, blockDevice, first, bytes) is { } unreadable)
        {
            return unreadable;
        }

        var within = bytes[(int)(offset - first)..(int)(offset - first + length)];
        change(within);
        within.CopyTo(bytes, offset - first);
        return Write(bus, blockDevice, first, bytes);
    }

    private object? Open(Bus bus, string name)
    {
        if (bus.Namespaces.SingleOrDefault(one => one.IsEnabled && NamespaceModes.Of(one) != NamespaceMode.Devdax && NdctlList.BlockDevice(one) == name) is not { } device)
        {
            return null;
        }

        return device.Claim?.Bound switch
        {
            BindOutcome.Btt btt => BttDevice.Open(Of(device), btt.Version.Major == 2 ? 0 : 4096, device.Uuid ?? Guid.Empty, device.Region.ReadOnly).Value,
            BindOutcome.Pages pages => new BlockAccess(Of(device), pages.StartPad.Value + pages.DataOffset.Value, pages.Size.Value, device.Region.ReadOnly),
            _ => new BlockAccess(Of(device), 0, device.Size, device.Region.ReadOnly),
        };
    }

    private RangeMedia Range(Bus bus, Spa start, Bytes size)
    {
        var region = RegionAt(bus, start.Value);
        return new RangeMedia(Of(region), start.Value - region.Start, size.Value);
    }

    private MemoryMedia In(Bus bus, long address) => Of(RegionAt(bus, address));

    private static Region RegionAt(Bus bus, long address) => bus.Regions.Single(region => address >= region.Start && address < region.Start + region.Size);
}
