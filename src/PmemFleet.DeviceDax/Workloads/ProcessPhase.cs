using PmemFleet.DeviceDax.AddressSpaces;
using PmemFleet.DeviceDax.Primitives;
using PmemFleet.DeviceDax.Tlb;

namespace PmemFleet.DeviceDax.Workloads;

/// <summary>One process in one phase: its place in the pattern, kept between slices.</summary>
internal abstract class ProcessPhase
{
    private const long Chunk = 1 << 20;

    public abstract void RunChunk(ulong goodBytes, long accesses, ref AccessTotals totals);

    public void Run(ulong goodBytes, long accesses, ref AccessTotals totals, Action<long> tick, CancellationToken token)
    {
        for (long done = 0; done < accesses; done += Chunk)
        {
            token.ThrowIfCancellationRequested();
            var chunk = Math.Min(Chunk, accesses - done);
            RunChunk(goodBytes, chunk, ref totals);
            tick(chunk);
        }
    }

    public static ProcessPhase Start(Process process, Mapping mapping, WorkloadPhase phase, TlbModel? tlb, ulong seed)
    {
        var shift = System.Numerics.BitOperations.TrailingZeroCount(phase.StepBytes);
        var length = mapping.EndValue - mapping.StartValue;
        var steps = length >> shift;
        return phase.Pattern switch
        {
            AccessPatternKind.Uniform => WithMix(new UniformPattern(steps, shift, seed)),
            AccessPatternKind.Zipf => WithMix(new ZipfPattern(steps, shift, phase.ZipfExponent, seed)),
            AccessPatternKind.PointerChase => WithMix(new ChasePattern(steps, shift, seed)),
            AccessPatternKind.Stride => WithMix(new StridePattern(length, phase.StrideBytes)),
            _ => WithMix(new StridePattern(length, phase.StepBytes)),
        };

        ProcessPhase WithMix<TPattern>(TPattern pattern)
            where TPattern : struct, IAccessPattern => phase.WritePercent switch
            {
                <= 0 => WithTlb(pattern, default(AllReads)),
                >= 100 => WithTlb(pattern, default(AllWrites)),
                _ => WithTlb(pattern, new SomeWrites(phase.WritePercent, SplitMix.Mix(seed ^ 0x3317))),
            };

        ProcessPhase WithTlb<TPattern, TMix>(TPattern pattern, TMix mix)
            where TPattern : struct, IAccessPattern
            where TMix : struct, IWriteMix
        {
            var granule = mapping.Device?.Granule ?? PageGranule.Pte;
            return tlb is null
                ? new ProcessPhase<TPattern, TMix, NoTlb>(process, mapping, granule, pattern, mix, default)
                : granule == PageGranule.Pte
                ? new ProcessPhase<TPattern, TMix, TlbForPte>(process, mapping, granule, pattern, mix, new(tlb))
                : new ProcessPhase<TPattern, TMix, TlbFor>(process, mapping, granule, pattern, mix, new(tlb, granule));
        }
    }
}

internal sealed class ProcessPhase<TPattern, TMix, TTlb>(Process process, Mapping mapping, PageGranule granule, TPattern pattern, TMix mix, TTlb tlb)
    : ProcessPhase
    where TPattern : struct, IAccessPattern
    where TMix : struct, IWriteMix
    where TTlb : struct, ITranslation
{
    private TPattern _pattern = pattern;
    private TMix _mix = mix;

    public override void RunChunk(ulong goodBytes, long accesses, ref AccessTotals totals) =>
        AccessLoop.Run(process, mapping, granule, goodBytes, accesses, ref _pattern, ref _mix, tlb, ref totals);
}
