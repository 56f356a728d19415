using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Media;

/// <summary>
/// How drivers read and write a namespace's metadata (spec 60 section 3): a bad sector is an I/O error and never a crash; a
/// write of whole sectors clears poison first, an atomic one never does.
/// </summary>
public static class MetadataAccess
{
    /// <summary>Bytes of a sector, the unit of badblocks.</summary>
    public const int SectorBytes = 512;

    /// <summary>Reads; EFAULT outside the namespace, EIO over a bad sector or latent poison, null when it went well.</summary>
    public static Errno? Read(IMedia media, long offset, Span<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(media);
        if (destination.IsEmpty)
        {
            return null;
        }

        if (IsOutside(media, offset, destination.Length))
        {
            return Errno.EFAULT;
        }

        var (first, length) = Sectors(offset, destination.Length);
        return media.IsKnownBad(first, Math.Min(length, media.Length - first)) || !media.TryRead(offset, destination) ? Errno.EIO : null;
    }

    /// <summary>
    /// Writes. Over a bad sector an aligned write that is not atomic clears first: cleared short, it is EIO. An unaligned or
    /// atomic one is EIO. The data is stored in every case but EFAULT.
    /// </summary>
    public static Errno? Write(IMedia media, long offset, ReadOnlySpan<byte> source, bool atomic)
    {
        ArgumentNullException.ThrowIfNull(media);
        if (source.IsEmpty)
        {
            return null;
        }

        if (IsOutside(media, offset, source.Length))
        {
            return Errno.EFAULT;
        }

        Errno? result = null;
        var (first, length) = Sectors(offset, source.Length);
        if (media.IsKnownBad(first, Math.Min(length, media.Length - first)))
        {
            var whole = offset % SectorBytes == 0 && source.Length % SectorBytes == 0;
            result = whole && !atomic && media.ClearPoison(offset, source.Length) == source.Length ? null : Errno.EIO;
        }

        media.Write(offset, source);
        return result;
    }

    private static (long First, long Length) Sectors(long offset, long length)
    {
        var first = offset / SectorBytes * SectorBytes;
        return (first, (offset + length - first + SectorBytes - 1) / SectorBytes * SectorBytes);
    }

    private static bool IsOutside(IMedia media, long offset, long length) => offset < 0 || offset > media.Length - length;
}
