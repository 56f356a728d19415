using PmemFleet.Nvdimm.Media;

namespace PmemFleet.Nvdimm.Tests.Faults;

/// <summary>How an operation fails.</summary>
public enum FaultKind
{
    /// <summary>A full disk: nothing is stored.</summary>
    NoSpace,

    /// <summary>An I/O error after the first eight bytes were stored.</summary>
    IoAfterAPart,

    /// <summary>An I/O error after everything was stored.</summary>
    IoAfterAll,
}

/// <summary>Media whose operations throw, by number, from the first operation after <see cref="Arm"/>.</summary>
internal sealed class FailingMedia(IMedia media) : IMedia
{
    private FaultKind _kind;
    private long _first = long.MaxValue;
    private long _last;
    private bool _withReads;

    public long Length => media.Length;

    /// <summary>Operations since <see cref="Arm"/>, those that failed too.</summary>
    public long Count { get; private set; }

    /// <summary>Failures in all.</summary>
    public int Failures { get; private set; }

    /// <summary>Fails the operations from one number to another; 0 is the next.</summary>
    public void Arm(FaultKind kind, long first, long last, bool withReads = false) =>
        (_kind, _first, _last, _withReads, Count) = (kind, first, last, withReads, 0);

    public void Disarm() => Arm(FaultKind.NoSpace, long.MaxValue, long.MaxValue);

    public bool TryRead(long offset, Span<byte> destination)
    {
        if (_withReads && IsNext())
        {
            throw Failure();
        }

        return media.TryRead(offset, destination);
    }

    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        if (!IsNext())
        {
            media.Write(offset, source);
            return;
        }

        var stored = _kind switch { FaultKind.NoSpace => 0, FaultKind.IoAfterAPart => Math.Min(8, source.Length), _ => source.Length };
        if (stored > 0)
        {
            media.Write(offset, source[..stored]);
        }

        throw Failure();
    }

    public void Zero(long offset, long length)
    {
        if (!IsNext())
        {
            media.Zero(offset, length);
            return;
        }

        var stored = _kind switch { FaultKind.NoSpace => 0, FaultKind.IoAfterAPart => Math.Min(8, length), _ => length };
        if (stored > 0)
        {
            media.Zero(offset, stored);
        }

        throw Failure();
    }

    public long ClearPoison(long offset, long length) => IsNext() ? throw Failure() : media.ClearPoison(offset, length);

    public void Flush()
    {
        if (IsNext())
        {
            throw Failure();
        }

        media.Flush();
    }

    public void Order()
    {
        if (IsNext())
        {
            throw Failure();
        }

        media.Order();
    }

    public bool IsKnownBad(long offset, long length) => media.IsKnownBad(offset, length);

    private bool IsNext() => Count++ is var now && now >= _first && now <= _last;

    private IOException Failure()
    {
        Failures++;
        return _kind == FaultKind.NoSpace ? new IOException("No space left on device", 28) : new IOException("Input/output error", 5);
    }
}
