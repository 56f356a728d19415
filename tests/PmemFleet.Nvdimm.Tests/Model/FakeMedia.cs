using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Model;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Tests.Model;

/// <summary>A worker's part without bytes: which info block is where, and the closed formulas of the sizes (specs 30 and 40).</summary>
internal sealed class FakeMedia
{
    private readonly SortedDictionary<long, Block> _blocks = [];

    private sealed record Block(BindOutcome Outcome, PersonalityKind Kind, Guid Parent);

    public Outcome<PmemNamespace>? Run(Bus bus, IEnumerable<MediaStep> steps)
    {
        Outcome<PmemNamespace>? last = null;
        foreach (var step in steps)
        {
            switch (step)
            {
                case MediaStep.ZeroInfoBlocks zero:
                    _blocks.Remove(zero.Start.Value);
                    break;
                case MediaStep.Bind bind:
                    last = bus.Complete(bind.Namespace, Bind(bind.Plan));
                    break;
            }
        }

        return last;
    }

    public void Put(long start, BindOutcome outcome, PersonalityKind kind, Guid parent) => _blocks[start] = new Block(outcome, kind, parent);

    public BindOutcome Bind(BindPlan plan)
    {
        if (plan.Configured is { } configured)
        {
            var made = Make(plan, configured);
            if (made is not BindOutcome.Failed)
            {
                _blocks[plan.Start.Value] = new Block(made, configured.Kind, plan.ParentUuid ?? Guid.Empty);
            }

            return made;
        }

        if (plan.ForceRaw || !_blocks.TryGetValue(plan.Start.Value, out var block) || block.Parent != (plan.ParentUuid ?? Guid.Empty))
        {
            return new BindOutcome.Raw();
        }

        var allowed = plan.ClaimClass switch
        {
            ClaimClass.None => true,
            ClaimClass.Btt or ClaimClass.Btt2 => block.Kind == PersonalityKind.Btt,
            ClaimClass.Pfn => block.Kind == PersonalityKind.Pfn,
            ClaimClass.Dax => block.Kind == PersonalityKind.Dax,
            _ => false,
        };
        return allowed ? block.Outcome : new BindOutcome.Raw();
    }

    private static BindOutcome Make(BindPlan plan, ConfiguredPersonality configured)
    {
        var size = plan.Size.Value;
        if (configured.Kind == PersonalityKind.Btt)
        {
            var offset = plan.ClaimClass == ClaimClass.Btt2 ? 0 : 4096;
            var sector = configured.SectorSize!.Value.Value;
            var blocks = 0L;
            for (var left = size - offset; left >= 16 * Bytes.MiB; left -= 512 * Bytes.GiB)
            {
                var arena = Math.Min(left, 512 * Bytes.GiB);
                var inner = (sector + 63) / 64 * 64;
                var free = arena - (arena % 4096) - (2 * 4096) - 16384;
                blocks += ((free - 4096) / (inner + 4)) - 256;
            }

            return blocks == 0 ? Failed("too small") : new BindOutcome.Btt
            {
                Uuid = configured.Uuid,
                SectorSize = new Bytes(sector),
                Size = new Bytes(blocks * (sector >= 4096 ? 4096 : 512)),
                Version = offset == 0 ? new Version(2, 0) : new Version(1, 1),
            };
        }

        var align = Math.Max(configured.Align!.Value.Value, 2 * Bytes.MiB);
        var head = configured.Map == MapLocation.Pmem ? 8192 + (64 * ((size - 8192) / 4096)) : 8192;
        var data = ((plan.Start.Value + head + align - 1) / align * align) - plan.Start.Value;
        var end = (plan.Start.Value + size) % align;
        return data >= size ? Failed($"{plan.Namespace} unable to satisfy requested alignment") : new BindOutcome.Pages
        {
            Kind = configured.Kind,
            Uuid = configured.Uuid,
            Map = configured.Map!.Value,
            Align = configured.Align.Value,
            DataOffset = new Bytes(data),
            EndTrunc = new Bytes(end),
            Size = new Bytes(size - data - end),
            PageCount = (size - data - end) / 4096,
        };
    }

    private static BindOutcome.Failed Failed(string message) => new() { Refusal = new Refusal(Errno.ENXIO, "info-block", message) };
}
