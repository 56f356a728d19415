using System.Collections.Immutable;
using PmemFleet.DeviceDax.AddressSpaces;
using PmemFleet.DeviceDax.Faults;
using PmemFleet.DeviceDax.Files;
using PmemFleet.DeviceDax.Machines;
using PmemFleet.DeviceDax.PageTables;
using PmemFleet.DeviceDax.Primitives;
using PmemFleet.DeviceDax.Tlb;

namespace PmemFleet.DeviceDax.Workloads;

/// <summary>A load in progress.</summary>
internal sealed class WorkloadHost
{
    private readonly WorkloadSpec _spec;
    private readonly InjectedPoison _poison = new();
    private readonly Machine _machine;
    private readonly Process[] _processes;
    private readonly Mapping[][] _mappings;
    private readonly TlbModel[]? _tlbs;
    private readonly AccessTotals[] _totals;
    private long _otherSignals;
    private long _done;
    private Action<long> _tick = static _ => { };

    private WorkloadHost(WorkloadSpec spec)
    {
        _spec = spec;
        _machine = new Machine(spec.Profile, _poison);
        _processes = new Process[spec.Processes];
        _mappings = new Mapping[spec.Processes][];
        _totals = new AccessTotals[spec.Processes];
        _tlbs = spec.Tlb is null ? null : [.. Enumerable.Range(0, spec.Processes).Select(_ => new TlbModel(spec.Tlb, spec.Profile.PageTableLevels))];
    }

    public static Outcome<WorkloadHost> Start(WorkloadSpec spec, CancellationToken token)
    {
        var host = new WorkloadHost(spec);
        foreach (var device in spec.Devices)
        {
            var region = host._machine.Regions.FirstOrDefault(r => r.Id == device.Region.Id && r.Range == device.Region.Range);
            if (region is null && !host._machine.AddRegion(device.Region).TryGet(out region, out var noRegion))
            {
                return noRegion;
            }

            if (!region.AddDevice(device.Device).TryGet(out _, out var noDevice))
            {
                return noDevice;
            }
        }

        for (var i = 0; i < spec.Processes; i++)
        {
            token.ThrowIfCancellationRequested();
            if (host.StartProcess(i) is { } refusal)
            {
                return refusal;
            }
        }

        return host;
    }

    public WorkloadResult Run(int threads, IProgress<WorkloadProgress>? progress, CancellationToken token)
    {
        var phases = ImmutableArray.CreateBuilder<WorkloadPhaseResult>();
        var total = _spec.Phases.Where(p => !p.Populates).Sum(p => p.Accesses) * _spec.Processes;
        for (var phase = 0; phase < _spec.Phases.Length; phase++)
        {
            var series = ImmutableArray.CreateBuilder<WorkloadPoint>();
            var name = _spec.Phases[phase].Name;
            _tick = accesses =>
            {
                var done = Interlocked.Add(ref _done, accesses);
                progress?.Report(new(done, total, name));
            };
            var isCut = RunPhase(phase, threads, series, token);
            phases.Add(new(_spec.Phases[phase].Name, series.ToImmutable()));
            if (isCut)
            {
                return new(series[^1].Figures, phases.ToImmutable(), true);
            }
        }

        return new(Figures(), phases.ToImmutable(), false);
    }

    private Refusal? StartProcess(int index)
    {
        var process = _machine.StartProcess("workload", _spec.Image);
        _processes[index] = process;
        _mappings[index] = new Mapping[_spec.Mappings.Length];
        for (var m = 0; m < _spec.Mappings.Length; m++)
        {
            var wanted = _spec.Mappings[m];
            if (!process.Open($"/dev/{wanted.Device}", OpenFlags.ReadWrite).TryGet(out var fd, out var refusal))
            {
                return refusal.About($"mappings/{m}/device").Allowing(_spec.Devices.Select(device => device.Name));
            }

            if (!process.Mmap(new(wanted.Length, Protection.Read | Protection.Write, MapFlags.Shared, fd, wanted.Offset)).TryGet(out var mapping, out refusal))
            {
                return refusal.About($"mappings/{m}/{(refusal.Subject == "offset" ? "offset" : "length")}");
            }

            _mappings[index][m] = mapping;
            process.Close(fd);
        }

        return null;
    }

    private bool RunPhase(int index, int threads, ImmutableArray<WorkloadPoint>.Builder series, CancellationToken token)
    {
        var phase = _spec.Phases[index];
        var runs = new ProcessPhase?[_processes.Length];
        var injections = new Queue<WorkloadInjection>(_spec.Injections.Where(i => i.Phase == index).OrderBy(i => i.AfterAccesses));
        var length = phase.Populates ? 0 : phase.Accesses;
        var slice = Math.Max((length + _spec.SeriesPoints - 1) / _spec.SeriesPoints, 1);
        long at = 0;
        while (true)
        {
            while (injections.TryPeek(out var next) && (next.AfterAccesses <= at || at >= length))
            {
                if (Inject(injections.Dequeue()))
                {
                    series.Add(new(at, Figures()));
                    return true;
                }
            }

            var isSeriesPoint = at % slice == 0 || at >= length;
            if (at >= length && !phase.Populates)
            {
                if (series.Count == 0 || series[^1].Accesses != at)
                {
                    series.Add(new(at, Figures()));
                }

                return false;
            }

            if (isSeriesPoint && at > 0)
            {
                series.Add(new(at, Figures()));
            }

            var end = Math.Min(length, ((at / slice) + 1) * slice);
            end = injections.TryPeek(out var upcoming) ? Math.Min(end, upcoming.AfterAccesses) : end;
            RunSlice(index, runs, end - at, threads, token);
            Settle();
            at = end;
            if (phase.Populates)
            {
                series.Add(new(0, Figures()));
                return false;
            }
        }
    }

    private void RunSlice(int index, ProcessPhase?[] runs, long accesses, int threads, CancellationToken token)
    {
        var phase = _spec.Phases[index];
        void One(int p)
        {
            var mapping = _mappings[p][phase.Mapping];
            if (phase.Populates)
            {
                _processes[p].PopulateInLoad(mapping, phase.WritePercent > 0);
                return;
            }

            var seed = SplitMix.Mix(SplitMix.Mix(_spec.Seed + (ulong)index) + (ulong)p);
            var run = runs[p] ??= ProcessPhase.Start(_processes[p], mapping, phase, _tlbs?[p], seed);
            var totals = _totals[p];
            run.Run(_poison.IsEmpty ? _processes[p].GoodBytes(mapping) : 0, accesses, ref totals, _tick, token);
            _totals[p] = totals;
        }

        if (threads == 1)
        {
            for (var p = 0; p < _processes.Length; p++)
            {
                token.ThrowIfCancellationRequested();
                One(p);
            }

            return;
        }

        Parallel.For(0, _processes.Length, new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = token }, One);
    }

    // What processes consumed in the slice, in the order of processes: others lose the granule and are told.
    private void Settle()
    {
        if (_poison.IsEmpty)
        {
            return;
        }

        // Once a granule is gone from everyone, a later consumer of the slice takes it from nobody.
        var settled = new HashSet<ulong>();
        foreach (var process in _processes)
        {
            foreach (var physical in process.TakeConsumed().Where(settled.Add))
            {
                foreach (var device in _machine.Regions.SelectMany(r => r.Devices))
                {
                    foreach (var other in device.Mappers())
                    {
                        _otherSignals += other.ZapPhysical(device, physical).Count > 0 && !ReferenceEquals(other, process) ? 1 : 0;
                    }
                }
            }
        }

        if (settled.Count > 0)
        {
            FlushTlbs();
        }
    }

    private bool Inject(WorkloadInjection injection)
    {
        if (injection.Kind == InjectionKind.PowerCut)
        {
            return true;
        }

        if (_machine.FindDevice(injection.Device!) is not { } device)
        {
            return false;
        }

        if (injection.Kind == InjectionKind.Poison)
        {
            _poison.Add(device, injection.Offset, injection.Length);
            return false;
        }

        device.Disable();
        FlushTlbs();
        return false;
    }

    private void FlushTlbs()
    {
        foreach (var tlb in _tlbs ?? [])
        {
            tlb.Flush();
        }
    }

    private WorkloadFigures Figures()
    {
        var (faults, tlb, tables, totals) = (default(FaultCounts), default(TlbCounts), default(PageTableCensus), default(AccessTotals));
        for (var p = 0; p < _processes.Length; p++)
        {
            faults = faults.Plus(_processes[p].Faults);
            tables = tables.Plus(_processes[p].PageTables);
            tlb = tlb.Plus(_tlbs?[p].Counts ?? default);
            totals.Reads += _totals[p].Reads;
            totals.Writes += _totals[p].Writes;
            totals.SigBus += _totals[p].SigBus;
            totals.MachineChecks += _totals[p].MachineChecks;
            totals.OutOfMemory += _totals[p].OutOfMemory;
        }

        return new(totals.Reads, totals.Writes, faults, tlb, tables, totals.SigBus, totals.MachineChecks, _otherSignals, totals.OutOfMemory);
    }
}
