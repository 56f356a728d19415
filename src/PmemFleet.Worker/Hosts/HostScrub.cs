using PmemFleet.Contracts.MediaErrors;
using PmemFleet.Nvdimm.Ars;
using PmemFleet.Nvdimm.Badblocks;
using PmemFleet.Nvdimm.Primitives;
using PmemFleet.Worker.Media;

namespace PmemFleet.Worker.Hosts;

/// <summary>
/// A host's scrub in simulated time: the library's firmware and driver, over the host's memory. Time stands still between scrubs; a scrub moves it,
/// at once or at the pace that was asked for. Used under the host's gate.
/// </summary>
internal sealed class HostScrub(SystemMemory memory)
{
    private readonly BusScrub _bus = new(
        memory.Regions.Count == 0 ? null : new ArsDevice(new ArsCapability()),
        memory.Regions.Select(region => new ByteRange(region.Layout.Start, region.Layout.Size)));

    private TimeSpan _now;
    private TimeSpan _began;
    private TimeSpan _took;
    private long _found;
    private int _counted;
    private Pace? _pace;
    private bool _isStopped;

    public bool IsActive => !_isStopped && _bus.IsActive;

    /// <summary>True while a scrub runs by a clock: somebody has to move it.</summary>
    public bool IsPaced => IsActive && _pace is not null;

    /// <summary>Asks for a scan of every region. EBUSY where every region waits for one, ENOTTY without a region.</summary>
    /// <param name="kind">Short or long.</param>
    /// <param name="timeScale">Simulated seconds in a second of <paramref name="clock"/>; null: done on return.</param>
    /// <param name="clock">The real clock.</param>
    public Refusal? Start(ArsKind kind, double? timeScale, TimeProvider clock)
    {
        if (_bus.Request(kind, _now).Refusal is { } refusal)
        {
            return refusal;
        }

        if (_began == _now || !IsRunning)
        {
            (_began, _found) = (_now, 0);
        }

        IsRunning = true;
        if (timeScale is { } scale)
        {
            _pace = new Pace(clock, clock.GetTimestamp(), _now, scale);
            Poll();
        }
        else
        {
            Complete();
        }

        return null;
    }

    /// <summary>Brings a scrub that runs by a clock to where the clock is.</summary>
    public void Advance()
    {
        if (_pace is { } pace && IsActive)
        {
            var until = pace.Now;
            while (_bus.NextPoll is { } due && due <= until)
            {
                _now = due > _now ? due : _now;
                Poll();
            }

            _now = IsActive && until > _now ? until : _now;
        }
    }

    /// <summary>Brings every scan to its end, in as much simulated time as it takes.</summary>
    public void Complete()
    {
        while (!_isStopped && _bus.NextPoll is { } due)
        {
            _now = due > _now ? due : _now;
            Poll();
        }
    }

    /// <summary>The host goes down: nothing scans any more.</summary>
    public void Stop() => _isStopped = true;

    public ScrubDto Show()
    {
        Advance();
        var count = memory.Dimms.Select(dimm => dimm.ScrubCount).DefaultIfEmpty().Max();
        var isActive = IsActive;
        return new ScrubDto
        {
            Count = count,
            State = isActive ? "active" : "idle",
            Progress = isActive ? _bus.Progress(_now) : null,
            Attribute = $"{count}{(isActive ? "+" : string.Empty)}",
            SimulatedSeconds = Math.Round((isActive ? _now - _began : _took).TotalSeconds, 3),
            NextPollSeconds = isActive && _bus.NextPoll is { } due ? Math.Round((due - _now).TotalSeconds, 3) : null,
            Restarts = _bus.Restarts,
            Found = _found,
        };
    }

    private bool IsRunning { get; set; }

    private void Poll()
    {
        var found = _bus.Poll(_now, memory.ScanPoison, memory.ScanKnown);
        if (found.Count > 0)
        {
            _found += found.Count;
            memory.MakeKnown(found);
        }

        if (_bus.Count == _counted)
        {
            return;
        }

        _counted = _bus.Count;
        (_took, IsRunning, _pace) = (_now - _began, false, null);
        memory.CountScrub();
    }

    /// <summary>A real clock that simulated time follows.</summary>
    private sealed record Pace(TimeProvider Clock, long Since, TimeSpan From, double Scale)
    {
        public TimeSpan Now => From + TimeSpan.FromSeconds(Math.Min(Clock.GetElapsedTime(Since).TotalSeconds * Scale, 1e11));
    }
}
