using System.Globalization;
using PmemFleet.Nvdimm.Badblocks;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Ars;

/// <summary>
/// A bus's scrub: scans its ranges one after the other, short ones before long ones, restarts behind an overflow, and counts the
/// passes (spec 60 section 5). It moves when it is polled; <see cref="NextPoll"/> says when that is due.
/// </summary>
public sealed class BusScrub
{
    private static readonly TimeSpan FirstInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestInterval = TimeSpan.FromSeconds(1800);

    private readonly ArsDevice? _device;
    private readonly ByteRange[] _ranges;
    private readonly ArsKind?[] _pending;
    private (int Range, ByteRange Left, ArsKind Kind)? _running;
    private TimeSpan _interval = FirstInterval;

    /// <summary>A scrub.</summary>
    /// <param name="device">The platform's; null where it has none.</param>
    /// <param name="ranges">The bus's persistent ranges in system physical addresses.</param>
    public BusScrub(ArsDevice? device, IEnumerable<ByteRange> ranges)
    {
        _device = device;
        _ranges = [.. ranges];
        _pending = new ArsKind?[_ranges.Length];
    }

    /// <summary>Completed passes.</summary>
    public int Count { get; private set; }

    /// <summary>Scans that were started anew behind a full result buffer.</summary>
    public int Restarts { get; private set; }

    /// <summary>A scan is running or waiting.</summary>
    public bool IsActive => _running is not null || Array.Exists(_pending, kind => kind is not null);

    /// <summary>When the next poll is due; null when nothing is to be done.</summary>
    public TimeSpan? NextPoll { get; private set; }

    /// <summary>The <c>scrub</c> attribute: <c>4</c>, or <c>4+</c> while it is busy. Reading it as an administrator shortens the polling to a second.</summary>
    public string Show(TimeSpan now)
    {
        if (IsActive)
        {
            _interval = FirstInterval;
            NextPoll = NextPoll is { } due && due < now + FirstInterval ? due : now + FirstInterval;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{Count}{(IsActive ? "+" : "")}");
    }

    /// <summary>A write to the <c>scrub</c> attribute: only <c>1</c>, which asks for a long scan of all ranges.</summary>
    public Outcome<Done> Store(string text, TimeSpan now)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Trim() == "1" ? Request(ArsKind.LongScan, now) : new Refusal(Errno.EINVAL, "scrub-value", "only 1 starts a scrub").Allowing("1");
    }

    /// <summary>Asks for a scan of every range. ENOTTY without a platform that scans, EBUSY where every range waits for one already.</summary>
    public Outcome<Done> Request(ArsKind kind, TimeSpan now)
    {
        if (_device is null || _ranges.Length == 0)
        {
            return new Refusal(Errno.ENOTTY, "ars-unsupported", "the bus has no address range scrub");
        }

        if (!Array.Exists(_pending, waiting => waiting is null))
        {
            return new Refusal(Errno.EBUSY, "scrub-pending", "a scrub of every range is waiting already");
        }

        for (var range = 0; range < _pending.Length; range++)
        {
            _pending[range] ??= kind;
        }

        _interval = FirstInterval;
        NextPoll = _running is null ? now : NextPoll;
        return default(Done);
    }

    /// <summary>Goes on: takes results into the bus's list and starts what is next. Returns what was found since the last call.</summary>
    public IReadOnlyList<ByteRange> Poll(TimeSpan now, PoisonList poison, BusBadRanges known)
    {
        ArgumentNullException.ThrowIfNull(poison);
        ArgumentNullException.ThrowIfNull(known);
        var found = Poll(now, poison.Within);
        foreach (var record in found)
        {
            known.Add(record.Start, record.Length);
        }

        return found;
    }

    /// <summary>Goes on, and gives what was found since the last call to the caller, whose list it goes into.</summary>
    /// <param name="now">The caller's time.</param>
    /// <param name="poison">What is poisoned.</param>
    /// <param name="recorded">What the platform has recorded of it, for a short scan; null: all of it.</param>
    public IReadOnlyList<ByteRange> Poll(TimeSpan now, PoisonScan poison, PoisonScan? recorded = null)
    {
        if (_device is null)
        {
            return [];
        }

        IReadOnlyList<ByteRange> found = [];
        if (_running is { } running)
        {
            var status = ArsStatus.Read(_device.Status(now, poison, recorded).Span);
            if (status.State == Errno.EBUSY)
            {
                _interval = _interval * 2 < LongestInterval ? _interval * 2 : LongestInterval;
                NextPoll = now + _interval;
                return [];
            }

            found = status.Records;
            _running = null;
            if (status.State == Errno.ENOSPC && status.Restart.Length > 0)
            {
                Restarts++;
                Start(running.Range, status.Restart, running.Kind, now);
                return found;
            }

            if (!Array.Exists(_pending, kind => kind is not null))
            {
                Count++;
                NextPoll = null;
                return found;
            }
        }

        StartNext(now);
        return found;
    }

    /// <summary>How far the pass is, 0 to 1: ranges that are done, and of the running one the part that is read.</summary>
    public double Progress(TimeSpan now)
    {
        if (!IsActive)
        {
            return 1;
        }

        var (total, done) = (0d, 0d);
        for (var range = 0; range < _ranges.Length; range++)
        {
            total += _ranges[range].Length;
            if (_running is { } running && running.Range == range)
            {
                done += (_ranges[range].Length - running.Left.Length) + (running.Left.Length * _device!.Progress(now));
            }
            else if (_pending[range] is null)
            {
                done += _ranges[range].Length;
            }
        }

        return total == 0 ? 1 : done / total;
    }

    private void StartNext(TimeSpan now)
    {
        var next = Array.FindIndex(_pending, kind => kind == ArsKind.ShortScan);
        next = next >= 0 ? next : Array.FindIndex(_pending, kind => kind == ArsKind.LongScan);
        if (next < 0)
        {
            NextPoll = null;
            return;
        }

        var kind = _pending[next]!.Value;
        _pending[next] = null;
        Start(next, _ranges[next], kind, now);
    }

    private void Start(int range, ByteRange part, ArsKind kind, TimeSpan now)
    {
        _interval = FirstInterval;
        NextPoll = now + FirstInterval;
        if (_device!.Start(part.Start, part.Length, kind, now).Refusal is null)
        {
            _running = (range, part, kind);
            return;
        }

        // someone else's scan is running: this one keeps its place
        _pending[range] ??= kind;
    }
}
