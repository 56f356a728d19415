using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Btt;

/// <summary>Makes a new BTT (spec 30 section 4): per arena the map, the log, then the info block's backup, then the info block.</summary>
internal static class BttFormat
{
    /// <summary>EIO where the map, the log or an info block lies on poison that does not clear.</summary>
    public static Errno? Write(IMedia media, long baseOffset, Version version, Guid uuid, Guid parentUuid, int externalLbaSize)
    {
        var start = baseOffset;
        var left = media.Length - baseOffset;
        foreach (var size in BttGeometry.ArenaSizes(left))
        {
            left -= size;
            var info = new BttInfoBlock
            {
                Uuid = uuid,
                ParentUuid = parentUuid,
                Version = version,
                Geometry = BttGeometry.Of(size, externalLbaSize),
                NextOffset = left >= BttGeometry.SmallestArena ? size : 0,
            };
            if (WriteArena(media, start, info) is { } failed)
            {
                return failed;
            }

            start += size;
        }

        media.Flush();
        return null;
    }

    private static Errno? WriteArena(IMedia media, long start, BttInfoBlock info)
    {
        var geometry = info.Geometry;
        var failed = MetadataAccess.Zero(media, start + geometry.MapOffset, geometry.LogOffset - geometry.MapOffset)
            ?? MetadataAccess.Write(media, start + geometry.LogOffset, InitialLog(geometry), atomic: false);
        if (failed is not null)
        {
            return failed;
        }

        media.Order();
        var bytes = info.ToBytes();
        failed = MetadataAccess.Write(media, start + geometry.Info2Offset, bytes, atomic: false);
        media.Order();
        return failed ?? MetadataAccess.Write(media, start, bytes, atomic: false);
    }

    private static byte[] InitialLog(BttGeometry geometry)
    {
        var log = new byte[geometry.Info2Offset - geometry.LogOffset];
        for (var lane = 0; lane < BttGeometry.Lanes; lane++)
        {
            var free = geometry.ExternalLbaCount + (uint)lane;
            new BttLogEntry((uint)lane, free, free, 1).Write(log.AsSpan(lane * BttGeometry.LogGroupBytes));
        }

        return log;
    }
}
