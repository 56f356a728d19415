using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.Workloads;

/// <summary>
/// What one workload may cost where it isn't alone: accesses (time), the engine's own memory, and the size of its result. The library runs
/// any load; a service asks here first.
/// </summary>
public static class WorkloadLimits
{
    /// <summary>Accesses of all processes and phases.</summary>
    public const long Accesses = 100_000_000_000;

    /// <summary>The same where accesses may leave the short way: poison, a disable, or a mapping beyond its device.</summary>
    public const long SlowAccesses = 10_000_000_000;

    /// <summary>Points of all series together.</summary>
    public const int Points = 4096;

    /// <summary>Devices, mappings of a process.</summary>
    public const int Mappings = 16;

    /// <summary>Phases; injections too.</summary>
    public const int Phases = 64;

    /// <summary>Bytes the engine may take, estimated from above.</summary>
    public const ulong MemoryBytes = 1UL << 30;

    /// <summary>Looks for a poisoned granule in a process, over all slices.</summary>
    public const long PoisonLooks = 200_000_000;

    /// <summary>Null where a load is within the limits and its rules hold; else EINVAL or ENOMEM with the numbers.</summary>
    public static Refusal? Check(WorkloadSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        return WorkloadCheck.Check(spec) ?? CheckCounts(spec) ?? CheckRanges(spec) ?? CheckAccesses(spec) ?? CheckMemory(spec);
    }

    /// <summary>The engine's memory for a load, bytes, estimated from above.</summary>
    public static UInt128 Estimate(WorkloadSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        UInt128 each = 4096 + (1024 * (UInt128)spec.Mappings.Length) + (spec.Tlb is null ? 0 : 65536u);
        foreach (var phase in spec.Phases)
        {
            each += TableBytes(spec, phase);
        }

        return each * (UInt128)spec.Processes;
    }

    // A line of 64 bytes and its slot for each PTE table, 2 KiB for each GiB; what fills up in order is given back.
    private static UInt128 TableBytes(WorkloadSpec spec, WorkloadPhase phase)
    {
        var mapping = spec.Mappings[phase.Mapping];
        var length = mapping.Length;
        var granule = spec.Devices.FirstOrDefault(device => device.Name == mapping.Device)?.Region.Granule ?? PageGranule.Pte;
        var gigabytes = (length >> 30) + 1;
        var isInOrder = phase.Populates || (phase.Pattern == AccessPatternKind.Sequential && phase.StepBytes <= granule.Bytes())
            || (phase.Pattern == AccessPatternKind.Stride && phase.StrideBytes <= granule.Bytes());
        if (isInOrder)
        {
            return 16384 + ((UInt128)gigabytes / 512 * 64);
        }

        UInt128 tables = granule == PageGranule.Pte ? UInt128.Min((length >> 21) + 1, (UInt128)phase.Accesses) : 0;
        return (tables * 66) + (UInt128.Min(gigabytes, (UInt128)phase.Accesses) * (granule == PageGranule.Pte ? 2048u : 256u));
    }

    private static Refusal? CheckCounts(WorkloadSpec spec) =>
        spec.Devices.Length > Mappings ? TooMany("devices", spec.Devices.Length, Mappings)
        : spec.Mappings.Length > Mappings ? TooMany("mappings", spec.Mappings.Length, Mappings)
        : spec.Phases.Length > Phases ? TooMany("phases", spec.Phases.Length, Phases)
        : spec.Injections.Length > Phases ? TooMany("injections", spec.Injections.Length, Phases)
        : spec.Phases.Length * spec.SeriesPoints > Points
            ? TooMany("seriesPoints", spec.Phases.Length * spec.SeriesPoints, Points).Allowing($"{Points / spec.Phases.Length}")
        : null;

    private static Refusal? CheckRanges(WorkloadSpec spec)
    {
        UInt128 looks = 0;
        for (var i = 0; i < spec.Injections.Length; i++)
        {
            var injection = spec.Injections[i];
            if (injection.Kind != InjectionKind.Poison)
            {
                continue;
            }

            var device = spec.Devices.First(candidate => candidate.Name == injection.Device);
            var size = device.Region.Range.Length.Value;
            if (injection.Length == 0 || injection.Offset >= size || injection.Length > size - injection.Offset)
            {
                var refusal = new Refusal(Errno.EINVAL, "poison-outside-device", "The poisoned range isn't inside the device.")
                    .With("offset", injection.Offset).With("length", injection.Length).With("deviceSize", size);
                return injection.Offset < size && (injection.Length == 0 || injection.Length > size)
                    ? refusal.About($"injections/{i}/length").AllowingBytes(injection.Length, 1, 1, size - injection.Offset)
                    : refusal.About($"injections/{i}/offset").AllowingBytes(injection.Offset, 1, 0, size - Math.Clamp(injection.Length, 1, size));
            }

            looks += (UInt128)((injection.Length / device.Region.Granule.Bytes()) + 2) * (uint)spec.Processes * (uint)(spec.Phases.Length * spec.SeriesPoints);
        }

        return looks > (UInt128)PoisonLooks
            ? new Refusal(Errno.EINVAL, "workload-too-large", "Poisoned granules times processes times series points are too many: poison less, or ask for fewer points.")
                .About("injections").With("looks", (ulong)UInt128.Min(looks, ulong.MaxValue)).With("limit", (ulong)PoisonLooks)
                .Allowing($"{(ulong)UInt128.Max((UInt128)PoisonLooks / UInt128.Max(looks / (uint)spec.Processes, 1), 1)}")
            : null;
    }

    private static Refusal? CheckAccesses(WorkloadSpec spec)
    {
        Int128 total = 0;
        foreach (var phase in spec.Phases.Where(phase => !phase.Populates))
        {
            total += (Int128)phase.Accesses * spec.Processes;
        }

        var isSlow = spec.Injections.Any(injection => injection.Kind != InjectionKind.PowerCut)
            || spec.Mappings.Any(mapping => spec.Devices.Any(device => device.Name == mapping.Device
                && (UInt128)mapping.Offset + mapping.Length > device.Region.Range.Length.Value));
        var limit = isSlow ? SlowAccesses : Accesses;
        return total > limit
            ? new Refusal(Errno.EINVAL, "workload-too-large", isSlow
                    ? "A workload with poison, a disable or a mapping beyond its device makes at most 10000000000 accesses, over all processes and phases."
                    : "A workload makes at most 100000000000 accesses, over all processes and phases.")
                .About("phases").With("accesses", (ulong)Int128.Min(total, ulong.MaxValue)).With("limit", (ulong)limit)
                .Allowing($"{limit / spec.Processes / spec.Phases.Count(phase => !phase.Populates)}")
            : null;
    }

    private static Refusal? CheckMemory(WorkloadSpec spec)
    {
        var bytes = Estimate(spec);
        return bytes > MemoryBytes
            ? new Refusal(Errno.ENOMEM, "workload-too-large", "The page tables and caches this load may need don't fit into what a worker gives one load: fewer processes, less memory mapped, or fewer scattered accesses.")
                .About("processes").With("estimatedBytes", (ulong)UInt128.Min(bytes, ulong.MaxValue)).With("limit", MemoryBytes)
                .Allowing($"{(ulong)UInt128.Max(MemoryBytes / (bytes / (uint)spec.Processes), 1)}")
            : null;
    }

    private static Refusal TooMany(string subject, long count, long limit) => new Refusal(Errno.EINVAL, "workload-too-large", $"A workload has at most {limit} of these.")
        .About(subject).With(subject, (ulong)count).With("limit", (ulong)limit).Allowing($"{limit}");
}
