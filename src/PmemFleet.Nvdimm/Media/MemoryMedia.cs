using System.Collections.Concurrent;
using PmemFleet.Nvdimm.Badblocks;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Media;

/// <summary>
/// Sparse media in memory: what was never written takes no room. Stores may be recorded, so that a test can cut the power after any
/// 8 bytes. Threads may use it together as long as they store to different bytes, as with real memory.
/// </summary>
public sealed class MemoryMedia : IMedia
{
    private const int PageBytes = 4096;

    private readonly ConcurrentDictionary<long, byte[]> _pages;
    private readonly PoisonList _poison = new();
    private readonly PoisonList _known = new();
    private readonly Lock _errors = new();
    private bool _anyPoison;
    private bool _anyKnown;

    /// <summary>Empty media.</summary>
    /// <param name="length">Bytes.</param>
    public MemoryMedia(long length)
        : this(length, [])
    {
    }

    private MemoryMedia(long length, ConcurrentDictionary<long, byte[]> pages) => (Length, _pages) = (length, pages);

    /// <inheritdoc/>
    public long Length { get; }

    /// <summary>Where stores are recorded; null when they are not.</summary>
    public StoreRecord? Recording { get; set; }

    /// <summary>The device's clear-error unit; a range that is not whole units is refused with -ENXIO.</summary>
    public int ClearErrorUnit { get; init; } = 256;

    /// <summary>The most bytes one clear command clears; a negative value is the errno it fails with.</summary>
    public long ClearLimit { get; set; } = long.MaxValue;

    /// <summary>What is poisoned, known or not.</summary>
    public PoisonList Poison => _poison;

    /// <summary>What the bus knows of it.</summary>
    public PoisonList Known => _known;

    /// <inheritdoc/>
    public bool TryRead(long offset, Span<byte> destination)
    {
        Check(offset, destination.Length);
        if (Volatile.Read(ref _anyPoison))
        {
            lock (_errors)
            {
                if (_poison.Overlaps(offset, destination.Length))
                {
                    foreach (var bad in _poison.Within(offset, destination.Length))
                    {
                        _known.Add(bad.Start, bad.Length);
                        Volatile.Write(ref _anyKnown, true);
                    }

                    return false;
                }
            }
        }

        while (destination.Length > 0)
        {
            var (page, at) = Math.DivRem(offset, PageBytes);
            var run = Math.Min(destination.Length, PageBytes - (int)at);
            if (_pages.TryGetValue(page, out var bytes))
            {
                bytes.AsSpan((int)at, run).CopyTo(destination);
            }
            else
            {
                destination[..run].Clear();
            }

            destination = destination[run..];
            offset += run;
        }

        return true;
    }

    /// <inheritdoc/>
    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        Check(offset, source.Length);
        Recording?.Add(offset, source);
        while (source.Length > 0)
        {
            var (page, at) = Math.DivRem(offset, PageBytes);
            var run = Math.Min(source.Length, PageBytes - (int)at);
            source[..run].CopyTo(_pages.GetOrAdd(page, static _ => new byte[PageBytes]).AsSpan((int)at));
            source = source[run..];
            offset += run;
        }
    }

    /// <inheritdoc/>
    public void Zero(long offset, long length)
    {
        Check(offset, length);
        Recording?.AddZeroes(offset, length);
        var end = offset + length;
        if (length / PageBytes > _pages.Count)
        {
            // fewer pages exist than the range has
            foreach (var page in _pages.Keys.Where(page => page * PageBytes >= offset && (page + 1) * PageBytes <= end).ToList())
            {
                _pages.TryRemove(page, out _);
            }

            ZeroWithin(offset, Math.Min(end, (offset + PageBytes - 1) / PageBytes * PageBytes));
            ZeroWithin(Math.Max(offset, end / PageBytes * PageBytes), end);
            return;
        }

        ZeroWithin(offset, end);
    }

    /// <inheritdoc/>
    public long ClearPoison(long offset, long length)
    {
        Check(offset, length);
        if (offset % ClearErrorUnit != 0 || length % ClearErrorUnit != 0)
        {
            return -(long)Errno.ENXIO;
        }

        if (ClearLimit < 0)
        {
            return ClearLimit;
        }

        var cleared = Math.Min(length, ClearLimit);
        lock (_errors)
        {
            _poison.Remove(offset, cleared);

            // sectors are forgotten whole or not at all
            _known.Remove(offset, cleared / SectorSpan.SectorBytes * SectorSpan.SectorBytes);
            Volatile.Write(ref _anyPoison, _poison.Count > 0);
            Volatile.Write(ref _anyKnown, _known.Count > 0);
        }

        return cleared;
    }

    /// <inheritdoc/>
    public void Flush()
    {
    }

    /// <inheritdoc/>
    public void Order()
    {
    }

    /// <inheritdoc/>
    public bool IsKnownBad(long offset, long length)
    {
        if (!Volatile.Read(ref _anyKnown))
        {
            return false;
        }

        lock (_errors)
        {
            return _known.Overlaps(offset, length);
        }
    }

    /// <summary>Poisons a range; latent until a read meets it, or known at once.</summary>
    public void Inject(long offset, long length, bool notify)
    {
        Check(offset, length);
        lock (_errors)
        {
            _poison.Add(offset, length);
            if (notify)
            {
                _known.Add(offset, length);
            }

            Volatile.Write(ref _anyPoison, true);
            Volatile.Write(ref _anyKnown, _known.Count > 0);
        }
    }

    /// <summary>The same bytes in media of their own, without poison and without a recording.</summary>
    public MemoryMedia Copy() =>
        new(Length, new ConcurrentDictionary<long, byte[]>(_pages.Select(page => KeyValuePair.Create(page.Key, (byte[])page.Value.Clone())))) { ClearErrorUnit = ClearErrorUnit };

    private void ZeroWithin(long offset, long end)
    {
        while (offset < end)
        {
            var (page, at) = Math.DivRem(offset, PageBytes);
            var run = Math.Min(end - offset, PageBytes - at);
            if (_pages.TryGetValue(page, out var bytes))
            {
                bytes.AsSpan((int)at, (int)run).Clear();
            }

            offset += run;
        }
    }

    private void Check(long offset, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length - length);
    }
}
