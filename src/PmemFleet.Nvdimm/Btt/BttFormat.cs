using PmemFleet.Nvdimm.Media;

namespace PmemFleet.Nvdimm.Btt;

/// <summary>Makes a new BTT (spec 30 section 4): per arena the map, the log, then the info block's backup, then the info block.</summary>
internal static class BttFormat
{
    public static void Write(IMedia media, long baseOffset, Version version, Guid uuid, Guid parentUuid, int externalLbaSize)
    {
        var start = baseOffset;
        var left = media.Length - baseOffset;
        foreach (var size in BttGeometry.ArenaSizes(left))
        {
            left -= size;
            var geometry = BttGeometry.Of(size, externalLbaSize);
            var info = new BttInfoBlock
            {
                Uuid = uuid,
                ParentUuid = parentUuid,
                Version = version,
                Geometry = geometry,
                NextOffset = left >= BttGeometry.SmallestArena ? size : 0,
            };
            WriteArena(media, start, info);
            start += size;
        }

        media.Flush();
    }

    private static void WriteArena(IMedia media, long start, BttInfoBlock info)
    {
        var geometry = info.Geometry;
        _ = media.ClearPoison(start + geometry.MapOffset, geometry.Info2Offset + BttInfoBlock.SizeBytes - geometry.MapOffset);
        _ = media.ClearPoison(start, BttInfoBlock.SizeBytes);
        media.Zero(start + geometry.MapOffset, geometry.Info2Offset - geometry.MapOffset);
        var log = new byte[BttGeometry.Lanes * BttGeometry.LogGroupBytes];
        for (var lane = 0; lane < BttGeometry.Lanes; lane++)
        {
            var free = geometry.ExternalLbaCount + (uint)lane;
            new BttLogEntry((uint)lane, free, free, 1).Write(log.AsSpan(lane * BttGeometry.LogGroupBytes));
        }

        media.Write(start + geometry.LogOffset, log);
        media.Flush();
        var bytes = info.ToBytes();
        media.Write(start + geometry.Info2Offset, bytes);
        media.Flush();
        media.Write(start, bytes);
    }
}
