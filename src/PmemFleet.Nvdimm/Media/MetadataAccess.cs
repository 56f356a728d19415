using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Media;

/// <summary>
/// How drivers read and write a namespace's metadata (spec 60 section 3): a bad sector is an I/O error and never a crash; a
/// write of whole sectors clears poison first, an atomic one never does.
/// </summary>
public static class MetadataAccess
{
    /// <summary>Bytes of a sector, the unit of badblocks.</summary>
    public const int SectorBytes = SectorSpan.SectorBytes;

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

        return IsBad(media, SectorSpan.Of(offset, destination.Length)) || !media.TryRead(offset, destination) ? Errno.EIO : null;
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

        var result = Prepare(media, offset, source.Length, atomic);
        media.Write(offset, source);
        return result;
    }

    /// <summary>Zeroes a range of any length as <see cref="Write"/> with zeroes does, not atomically.</summary>
    public static Errno? Zero(IMedia media, long offset, long length)
    {
        ArgumentNullException.ThrowIfNull(media);
        if (length == 0)
        {
            return null;
        }

        if (length < 0 || IsOutside(media, offset, length))
        {
            return Errno.EFAULT;
        }

        var result = Prepare(media, offset, length, atomic: false);
        media.Zero(offset, length);
        return result;
    }

    private static Errno? Prepare(IMedia media, long offset, long length, bool atomic)
    {
        if (!IsBad(media, SectorSpan.Of(offset, length)))
        {
            return null;
        }

        var whole = offset % SectorBytes == 0 && length % SectorBytes == 0;
        return whole && !atomic && media.ClearPoison(offset, length) == length ? null : Errno.EIO;
    }

    private static bool IsBad(IMedia media, SectorSpan sectors) =>
        media.IsKnownBad(sectors.Offset, Math.Min(sectors.Length, media.Length - sectors.Offset));

    private static bool IsOutside(IMedia media, long offset, long length) => offset < 0 || offset > media.Length - length;
}
