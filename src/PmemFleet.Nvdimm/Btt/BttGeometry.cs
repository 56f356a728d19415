using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Btt;

/// <summary>Where the parts of an arena lie, from its start (spec 30 sections 2 and 3).</summary>
public sealed record BttGeometry
{
    /// <summary>Free blocks of an arena: one a lane.</summary>
    public const int Lanes = 256;

    /// <summary>The largest arena.</summary>
    public const long LargestArena = 512 * Bytes.GiB;

    /// <summary>The smallest arena; a smaller remainder stays unused.</summary>
    public const long SmallestArena = 16 * Bytes.MiB;

    /// <summary>Bytes of a lane's group in the log.</summary>
    public const int LogGroupBytes = 64;

    /// <summary>Bytes of a map entry.</summary>
    public const int MapEntryBytes = 4;

    private const int BlockBytes = 4096;
    private const int InternalUnit = 64;

    /// <summary>External sector sizes that the kernel takes.</summary>
    public static IReadOnlyList<int> SectorSizes { get; } = [512, 520, 528, 4096, 4104, 4160, 4224];

    /// <summary>External sector size, metadata included.</summary>
    public required uint ExternalLbaSize { get; init; }

    /// <summary>Sectors the arena shows.</summary>
    public required uint ExternalLbaCount { get; init; }

    /// <summary>External sector size rounded up to 64 bytes.</summary>
    public required uint InternalLbaSize { get; init; }

    /// <summary>Blocks the arena has: the shown ones and a free one a lane.</summary>
    public required uint InternalLbaCount { get; init; }

    /// <summary>Free blocks.</summary>
    public required uint FreeCount { get; init; }

    /// <summary>Data.</summary>
    public required long DataOffset { get; init; }

    /// <summary>Map.</summary>
    public required long MapOffset { get; init; }

    /// <summary>Log.</summary>
    public required long LogOffset { get; init; }

    /// <summary>Backup of the info block.</summary>
    public required long Info2Offset { get; init; }

    /// <summary>Bytes of data in a sector: the rest is integrity metadata.</summary>
    public int SectorDataBytes => DataBytes((int)ExternalLbaSize);

    /// <summary>Bytes of data in a sector of an external size.</summary>
    public static int DataBytes(int externalLbaSize) => externalLbaSize >= BlockBytes ? BlockBytes : 512;

    /// <summary>The geometry of a new arena.</summary>
    /// <param name="size">Bytes of the arena.</param>
    /// <param name="externalLbaSize">One of <see cref="SectorSizes"/>.</param>
    public static BttGeometry Of(long size, int externalLbaSize)
    {
        var whole = size - (size % BlockBytes);
        var log = RoundUp(Lanes * LogGroupBytes, BlockBytes);
        var available = whole - (2 * BlockBytes) - log;
        var internalLbaSize = RoundUp(externalLbaSize, InternalUnit);
        var internalCount = (available - BlockBytes) / (internalLbaSize + MapEntryBytes);
        var externalCount = internalCount - Lanes;
        var map = RoundUp(externalCount * MapEntryBytes, BlockBytes);
        var mapOffset = BlockBytes + available - map;
        return new BttGeometry
        {
            ExternalLbaSize = (uint)externalLbaSize,
            ExternalLbaCount = (uint)externalCount,
            InternalLbaSize = (uint)internalLbaSize,
            InternalLbaCount = (uint)internalCount,
            FreeCount = Lanes,
            DataOffset = BlockBytes,
            MapOffset = mapOffset,
            LogOffset = mapOffset + map,
            Info2Offset = mapOffset + map + log,
        };
    }

    /// <summary>The sizes of the arenas of a BTT over so many bytes.</summary>
    public static IEnumerable<long> ArenaSizes(long rawSize)
    {
        for (var left = rawSize; left >= SmallestArena;)
        {
            var arena = Math.Min(left, LargestArena);
            left -= arena;
            yield return arena;
        }
    }

    private static long RoundUp(long value, long unit) => (value + unit - 1) / unit * unit;
}
