using System.Collections.Immutable;
using PmemFleet.DeviceDax.Devices;
using PmemFleet.DeviceDax.Poison;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.Workloads;

/// <summary>
/// Runs a described load on a machine of its own. Processes run in parallel in slices; whatever one does to another
/// (poison, disable, power cut) happens between slices, in a fixed order, so threads never change the result.
/// </summary>
public static class WorkloadRunner
{
    /// <summary>Bytes of one access.</summary>
    public const ulong AccessBytes = 8;

    /// <summary>
    /// What a run would be refused with, found without running it: the spec's own rules, its cost (<see cref="WorkloadLimits"/>), and what
    /// devices and mmap say to its first process. Null where it would run.
    /// </summary>
    public static Refusal? Validate(WorkloadSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        return WorkloadLimits.Check(spec) ?? (WorkloadHost.Start(spec with { Processes = 1, Tlb = null }, default).TryGet(out _, out var refusal) ? null : refusal);
    }

    /// <summary>Runs a load to its end.</summary>
    /// <param name="spec">The load; refused with EINVAL when it makes no sense, or with what mmap or the devices refuse.</param>
    /// <param name="threads">Threads to use, 1 or more.</param>
    /// <param name="progress">Told about every million accesses, from any of the threads, so a smaller figure may come after a larger one.</param>
    /// <param name="token">Ends it within about a million accesses, with <see cref="OperationCanceledException"/>.</param>
    public static Outcome<WorkloadResult> Run(WorkloadSpec spec, int threads = 1, IProgress<WorkloadProgress>? progress = null, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(spec);
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        if (WorkloadCheck.Check(spec) is { } refusal)
        {
            return refusal;
        }

        var started = WorkloadHost.Start(spec, token);
        return started.TryGet(out var host, out refusal) ? host.Run(threads, progress, token) : refusal;
    }
}

/// <summary>The poison a load has injected.</summary>
internal sealed class InjectedPoison : IPoisonSource
{
    private ImmutableArray<PhysicalRange> _ranges = [];

    public bool IsEmpty => _ranges.IsEmpty;

    public void Add(DaxDevice device, ulong offset, ulong length)
    {
        foreach (var extent in device.Extents)
        {
            var start = extent.PageOffset << PageGranules.PageShift;
            var from = Math.Max(offset, start);
            var to = Math.Min(offset + length, start + extent.Range.Length.Value);
            if (from < to)
            {
                _ranges = _ranges.Add(new(new(extent.Range.Start.Value + (from - start)), new(to - from)));
            }
        }
    }

    public bool TryFindPoison(PhysicalRange range, out PhysicalAddress first)
    {
        var found = ulong.MaxValue;
        foreach (var bad in _ranges)
        {
            if (bad.Overlaps(range))
            {
                found = Math.Min(found, Math.Max(bad.Start.Value, range.Start.Value));
            }
        }

        first = new(found);
        return found != ulong.MaxValue;
    }
}
