using PmemFleet.Nvdimm.Media;

namespace PmemFleet.Nvdimm.Tests.Media;

/// <summary>
/// Media in memory, sparse, with poison. It can lose power: from <see cref="CutAfter"/> stores of 8 bytes on, nothing reaches it any more.
/// </summary>
internal sealed class MemoryMedia(long length) : IMedia
{
    private const int PageBytes = 4096;

    private readonly Dictionary<long, byte[]> _pages = [];
    private readonly HashSet<long> _poisoned = [];
    private readonly HashSet<long> _known = [];

    public long Length => length;

    /// <summary>Aligned 8-byte stores so far.</summary>
    public long Stores { get; private set; }

    /// <summary>The store after which the power is gone.</summary>
    public long CutAfter { get; set; } = long.MaxValue;

    /// <summary>Poisons a 512-byte sector; latent unless it is known.</summary>
    public void Poison(long sector, bool known)
    {
        _poisoned.Add(sector);
        if (known)
        {
            _known.Add(sector);
        }
    }

    public bool TryRead(long offset, Span<byte> destination)
    {
        var bad = Sectors(offset, destination.Length).Where(_poisoned.Contains).ToList();
        _known.UnionWith(bad);
        if (bad.Count > 0)
        {
            return false;
        }

        for (var at = 0; at < destination.Length;)
        {
            var inPage = (int)((offset + at) % PageBytes);
            var count = Math.Min(PageBytes - inPage, destination.Length - at);
            if (_pages.TryGetValue((offset + at) / PageBytes, out var page))
            {
                page.AsSpan(inPage, count).CopyTo(destination[at..]);
            }
            else
            {
                destination.Slice(at, count).Clear();
            }

            at += count;
        }

        return true;
    }

    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        for (var at = 0; at < source.Length;)
        {
            // a store is torn at 8 bytes, never inside
            var count = Math.Min(8 - (int)((offset + at) % 8), source.Length - at);
            if (Stores++ < CutAfter)
            {
                source.Slice(at, count).CopyTo(Page(offset + at).AsSpan((int)((offset + at) % PageBytes)));
            }

            at += count;
        }
    }

    public void Zero(long offset, long length)
    {
        for (long at = 0; at < length;)
        {
            var inPage = (int)((offset + at) % PageBytes);
            var count = (int)Math.Min(PageBytes - inPage, length - at);
            if (_pages.ContainsKey((offset + at) / PageBytes))
            {
                Write(offset + at, new byte[count]);
            }

            at += count;
        }
    }

    public long ClearPoison(long offset, long length)
    {
        _poisoned.ExceptWith(Sectors(offset, length));
        _known.ExceptWith(Sectors(offset, length));
        return length;
    }

    public void Flush()
    {
    }

    public bool IsKnownBad(long offset, long length) => _known.Count > 0 && Sectors(offset, length).Any(_known.Contains);

    public byte[] Bytes(long offset, int count)
    {
        var bytes = new byte[count];
        Assert.True(TryRead(offset, bytes));
        return bytes;
    }

    private static IEnumerable<long> Sectors(long offset, long length)
    {
        for (var sector = offset / 512; sector * 512 < offset + length; sector++)
        {
            yield return sector;
        }
    }

    private byte[] Page(long offset)
    {
        if (!_pages.TryGetValue(offset / PageBytes, out var page))
        {
            _pages[offset / PageBytes] = page = new byte[PageBytes];
        }

        return page;
    }
}
