using PmemFleet.Api.Namespaces;
using PmemFleet.Nvdimm.Btt;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Api.Hosts;

/// <summary>Both info blocks of every arena against the rows: these say which BTT, and size and sector size say all of its geometry (spec 30 sections 2 to 4).</summary>
public static class BttBlockCheck
{
    public static async Task CompareAsync(HostDifferences differences, NamespaceRow row, BoundColumns bound, Func<long, Task<byte[]?>> read)
    {
        if (bound.SectorSize is not { } sector || !BttGeometry.SectorSizes.Contains((int)sector) || !Version.TryParse(bound.Version, out var version))
        {
            differences.Add("sectorSize", "of a BTT", $"{bound.SectorSize}, version {bound.Version}");
            return;
        }

        var start = version.Major == 2 ? 0L : BttInfoBlock.SizeBytes;
        var left = row.Size - start;
        var arena = 0;
        long? shown = 0;
        foreach (var size in BttGeometry.ArenaSizes(left))
        {
            left -= size;
            var expected = new BttInfoBlock
            {
                Uuid = bound.Uuid,
                ParentUuid = row.Uuid ?? Guid.Empty,
                Version = version,
                Geometry = BttGeometry.Of(size, (int)sector),
                NextOffset = left >= BttGeometry.SmallestArena ? size : 0,
            };
            shown += Compare(differences, $"arena{arena}", expected, await read(start));
            _ = Compare(differences, $"arena{arena}.copy", expected, await read(start + expected.Geometry.Info2Offset));
            start += size;
            arena++;
        }

        if (shown is { } bytes)
        {
            differences.Compare("size", bytes, bound.Size);
        }
    }

    /// <returns>The bytes that the block's arena shows; null where there is no block to say.</returns>
    private static long? Compare(HostDifferences differences, string at, BttInfoBlock expected, byte[]? bytes)
    {
        if (bytes is null)
        {
            return null;
        }

        // with the parent that the block itself names: a foreign one is a difference to tell
        if (!BttInfoBlock.TryRead(bytes, MediaUuid.ReadRfc(bytes.AsSpan(BttInfoBlock.ParentUuidOffset)), out var block))
        {
            differences.Add(at, "no info block", $"BTT {expected.Version}");
            return null;
        }

        differences.Compare($"{at}.uuid", block.Uuid, expected.Uuid);
        if (block.ParentUuid != Guid.Empty)
        {
            // one without a parent serves any namespace
            differences.Compare($"{at}.parentUuid", block.ParentUuid, expected.ParentUuid);
        }

        differences.Compare($"{at}.flags", block.Flags, expected.Flags);
        differences.Compare($"{at}.version", block.Version, expected.Version);
        differences.Compare($"{at}.nextOffset", block.NextOffset, expected.NextOffset);
        var (found, made) = (block.Geometry, expected.Geometry);
        differences.Compare($"{at}.externalLbaSize", found.ExternalLbaSize, made.ExternalLbaSize);
        differences.Compare($"{at}.externalLbaCount", found.ExternalLbaCount, made.ExternalLbaCount);
        differences.Compare($"{at}.internalLbaSize", found.InternalLbaSize, made.InternalLbaSize);
        differences.Compare($"{at}.internalLbaCount", found.InternalLbaCount, made.InternalLbaCount);
        differences.Compare($"{at}.freeCount", found.FreeCount, made.FreeCount);
        differences.Compare($"{at}.dataOffset", found.DataOffset, made.DataOffset);
        differences.Compare($"{at}.mapOffset", found.MapOffset, made.MapOffset);
        differences.Compare($"{at}.logOffset", found.LogOffset, made.LogOffset);
        differences.Compare($"{at}.info2Offset", found.Info2Offset, made.Info2Offset);
        return found.ExternalLbaCount * (long)made.SectorDataBytes;
    }
}
