using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.Workloads;

/// <summary>Whether a spec makes sense; what it may cost is <see cref="WorkloadLimits"/>.</summary>
internal static class WorkloadCheck
{
    public static Refusal? Check(WorkloadSpec spec)
    {
        if (spec.Processes is < 1 or > 100_000)
        {
            return Bad("processes", "A workload has 1 to 100000 processes.").With("processes", (ulong)Math.Max(spec.Processes, 0)).Allowing("1", "100000");
        }

        if (spec.Mappings.IsDefaultOrEmpty)
        {
            return Bad("mappings", "A workload needs a mapping.");
        }

        if (spec.Phases.IsDefaultOrEmpty)
        {
            return Bad("phases", "A workload needs a phase.");
        }

        if (spec.SeriesPoints is < 1 or > 1000)
        {
            return Bad("seriesPoints", "A series has 1 to 1000 points.").With("seriesPoints", (ulong)Math.Max(spec.SeriesPoints, 0)).Allowing("1", "1000");
        }

        if (spec.Tlb is { IsValid: false })
        {
            return Bad("tlb", "Each cache has 1 to 32 ways and up to 1048576 entries, whose quotient is a power of two.");
        }

        return Enumerable.Range(0, spec.Phases.Length).Select(i => CheckPhase(spec, i))
            .Concat(Enumerable.Range(0, spec.Injections.Length).Select(i => CheckInjection(spec, i)))
            .FirstOrDefault(refusal => refusal is not null);
    }

    private static Refusal? CheckPhase(WorkloadSpec spec, int index)
    {
        var phase = spec.Phases[index];
        if (phase.Mapping < 0 || phase.Mapping >= spec.Mappings.Length)
        {
            return Bad($"phases/{index}/mapping", "The phase names a mapping that isn't there.")
                .With("mapping", (ulong)Math.Max(phase.Mapping, 0)).Allowing("0", $"{spec.Mappings.Length - 1}");
        }

        var length = spec.Mappings[phase.Mapping].Length;
        if (!ulong.IsPow2(phase.StepBytes) || phase.StepBytes < 8 || phase.StepBytes > length)
        {
            return Bad($"phases/{index}/step", "The step is a power of two from 8 to the mapping's length.")
                .With("step", phase.StepBytes).With("length", length).Allowing("8", "4096");
        }

        if (phase.StrideBytes == 0 || phase.StrideBytes % 8 != 0)
        {
            return Bad($"phases/{index}/stride", "The stride is a multiple of 8, and not 0.")
                .With("stride", phase.StrideBytes).Allowing($"{Math.Max(PageGranules.AlignUp(phase.StrideBytes, 8), 8)}");
        }

        if (phase.Accesses < 0)
        {
            return Bad($"phases/{index}/accesses", "Accesses are 0 or more.").Allowing("0");
        }

        if (phase.WritePercent is < 0 or > 100)
        {
            return Bad($"phases/{index}/writePercent", "The share of writes is 0 to 100.").Allowing("0", "100");
        }

        return phase.ZipfExponent is > 0 and <= 10
            ? null
            : Bad($"phases/{index}/zipfExponent", "The exponent is above 0 and up to 10.").Allowing("0.99", "10");
    }

    private static Refusal? CheckInjection(WorkloadSpec spec, int index)
    {
        var injection = spec.Injections[index];
        if (injection.Phase < 0 || injection.Phase >= spec.Phases.Length)
        {
            return Bad($"injections/{index}/phase", "The injection names a phase that isn't there.")
                .With("phase", (ulong)Math.Max(injection.Phase, 0)).Allowing("0", $"{spec.Phases.Length - 1}");
        }

        if (injection.AfterAccesses < 0)
        {
            return Bad($"injections/{index}/afterAccesses", "Accesses are 0 or more.").Allowing("0");
        }

        return injection.Kind == InjectionKind.PowerCut || spec.Devices.Any(device => device.Name == injection.Device)
            ? null
            : Bad($"injections/{index}/device", "The injection names a device that isn't there.").Allowing(spec.Devices.Select(device => device.Name));
    }

    private static Refusal Bad(string subject, string why) => new Refusal(Errno.EINVAL, "workload-invalid", why).About(subject);
}
