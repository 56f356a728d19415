using PmemFleet.Nvdimm.Badblocks;
using PmemFleet.Nvdimm.Media;

namespace PmemFleet.Worker.Media;

/// <summary>
/// A namespace's media for a dry run: reads come from the media, stores and clears stay here and are gone with the object. Poison that is read
/// is an error as ever, but nobody is told of it.
/// </summary>
/// <param name="memory">The host's memory.</param>
/// <param name="media">The namespace's media.</param>
internal sealed class RehearsedMedia(SystemMemory memory, NamespaceMedia media) : IMedia
{
    private const int PageBytes = 4096;

    private readonly Dictionary<long, byte[]> _pages = [];
    private readonly PoisonList _healed = new();

    public long Length => media.Length;

    public bool TryRead(long offset, Span<byte> destination)
    {
        if (IsPoisoned(offset, destination.Length))
        {
            return false;
        }

        memory.Read(media.Start + offset, destination);
        for (var done = 0; done < destination.Length && _pages.Count > 0;)
        {
            var (page, at) = Math.DivRem(offset + done, PageBytes);
            var run = Math.Min(destination.Length - done, PageBytes - (int)at);
            if (_pages.TryGetValue(page, out var bytes))
            {
                bytes.AsSpan((int)at, run).CopyTo(destination[done..]);
            }

            done += run;
        }

        return true;
    }

    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        while (source.Length > 0)
        {
            var (page, at) = Math.DivRem(offset, PageBytes);
            var run = Math.Min(source.Length, PageBytes - (int)at);
            source[..run].CopyTo(PageOf(page, isWhole: run == PageBytes).AsSpan((int)at));
            source = source[run..];
            offset += run;
        }
    }

    public void Zero(long offset, long length)
    {
        Span<byte> zeroes = stackalloc byte[PageBytes];
        zeroes.Clear();
        for (; length > 0; length -= PageBytes, offset += PageBytes)
        {
            Write(offset, zeroes[..(int)Math.Min(length, PageBytes)]);
        }
    }

    public long ClearPoison(long offset, long length)
    {
        var cleared = memory.WouldClear(media.Start + offset, length);
        if (cleared > 0)
        {
            _healed.Add(offset, cleared);
        }

        return cleared;
    }

    public void Flush()
    {
    }

    public void Order()
    {
    }

    public bool IsKnownBad(long offset, long length)
    {
        if (_healed.Count == 0 || length <= 0)
        {
            return media.IsKnownBad(offset, length);
        }

        var sectors = SectorSpan.Of(offset, length);
        for (var sector = sectors.First; sector < sectors.First + sectors.Count; sector++)
        {
            var start = sector * SectorSpan.SectorBytes;
            if (!_healed.Covers(start, SectorSpan.SectorBytes) && media.IsKnownBad(start, SectorSpan.SectorBytes))
            {
                return true;
            }
        }

        return false;
    }

    private bool IsPoisoned(long offset, int length)
    {
        for (long at = offset, end = offset + length; at < end;)
        {
            if (memory.FirstPoison(media.Start + at, end - at) is not { } found)
            {
                return false;
            }

            at = found - media.Start;
            if (_healed.Within(at, end - at, 1) is not [var healed] || healed.Start > at)
            {
                return true;
            }

            at = healed.End;
        }

        return false;
    }

    /// <summary>A page of stores; what is not stored into it is the media's.</summary>
    private byte[] PageOf(long page, bool isWhole)
    {
        if (_pages.TryGetValue(page, out var bytes))
        {
            return bytes;
        }

        _pages.Add(page, bytes = new byte[PageBytes]);
        if (!isWhole)
        {
            memory.Read(media.Start + (page * PageBytes), bytes.AsSpan(0, (int)Math.Min(PageBytes, media.Length - (page * PageBytes))));
        }

        return bytes;
    }
}
