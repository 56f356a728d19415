using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.Workloads;

/// <summary>Whether a spec can be run.</summary>
internal static class WorkloadCheck
{
    public static Refusal? Check(WorkloadSpec spec)
    {
        static Refusal Bad(string subject, string why) => new Refusal(Errno.EINVAL, "workload-invalid", why).About(subject);
        if (spec.Processes is < 1 or > 100_000)
        {
            return Bad("processes", "A workload has 1 to 100000 processes.").With("processes", (ulong)Math.Max(spec.Processes, 0)).Allowing("1", "100000");
        }

        if (spec.Mappings.IsDefaultOrEmpty || spec.Phases.IsDefaultOrEmpty || spec.SeriesPoints is < 1 or > 1000 || spec.Tlb is { IsValid: false })
        {
            return Bad("phases", "A workload needs a mapping, a phase, 1 to 1000 series points and a TLB whose ways divide its entries.");
        }

        for (var i = 0; i < spec.Phases.Length; i++)
        {
            var phase = spec.Phases[i];
            if (phase.Mapping < 0 || phase.Mapping >= spec.Mappings.Length)
            {
                return Bad($"phases/{i}/mapping", "The phase names a mapping that isn't there.");
            }

            var length = spec.Mappings[phase.Mapping].Length;
            if (!ulong.IsPow2(phase.StepBytes) || phase.StepBytes < 8 || phase.StepBytes > length
                || phase.StrideBytes == 0 || phase.StrideBytes % 8 != 0
                || phase.Accesses < 0 || phase.WritePercent is < 0 or > 100
                || !(phase.ZipfExponent > 0 && phase.ZipfExponent <= 10))
            {
                return Bad($"phases/{i}", "The step is a power of two from 8 to the mapping's length, the stride a multiple of 8, the share of writes 0 to 100, the exponent above 0 and up to 10.");
            }
        }

        for (var i = 0; i < spec.Injections.Length; i++)
        {
            var injection = spec.Injections[i];
            if (injection.Phase < 0 || injection.Phase >= spec.Phases.Length || injection.AfterAccesses < 0
                || (injection.Kind != InjectionKind.PowerCut && spec.Devices.All(d => d.Name != injection.Device)))
            {
                return Bad($"injections/{i}", "The injection names a phase or device that isn't there.");
            }
        }

        return null;
    }
}
