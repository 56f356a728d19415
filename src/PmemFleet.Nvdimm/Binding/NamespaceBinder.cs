using PmemFleet.Nvdimm.Btt;
using PmemFleet.Nvdimm.InfoBlocks;
using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Binding;

/// <summary>Carries a bind out on the media: what libnvdimm's probe of a namespace does (spec 20 section 5).</summary>
public static class NamespaceBinder
{
    private const long SmallestNamespace = 4096;
    private const long SmallestPersonality = 16 * Bytes.MiB;

    /// <summary>Probes the info blocks and starts what they say, or starts the configured personality.</summary>
    public static BindOutcome Bind(BindPlan plan, IMedia media)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(media);
        if (plan.Size.Value < SmallestNamespace)
        {
            return Fail(new Refusal(Errno.ENODEV, "namespace-too-small", "a namespace needs at least a page")
                .With("size", plan.Size.Value).With("least", SmallestNamespace).Allowing($"{SmallestNamespace}"));
        }

        if (plan.Configured is { } configured)
        {
            return StartConfigured(plan, configured, media);
        }

        return plan.ForceRaw ? new BindOutcome.Raw() : Detect(plan, media);
    }

    private static BindOutcome StartConfigured(BindPlan plan, ConfiguredPersonality configured, IMedia media)
    {
        if (plan.Size.Value < SmallestPersonality)
        {
            return Fail(new Refusal(Errno.ENXIO, "personality-too-small", "a personality needs at least 16 MiB")
                .With("size", plan.Size.Value).With("least", SmallestPersonality).Allowing($"{SmallestPersonality}"));
        }

        var started = configured.Kind == PersonalityKind.Btt
            ? BttBinding.StartConfigured(plan, configured, media)
            : PagesBinding.StartConfigured(plan, configured, media);
        return started.TryGet(out var outcome, out var refusal) ? outcome : Fail(refusal);
    }

    /// <summary>
    /// BTT, then PFN, then DAX. EOPNOTSUPP of a PFN or DAX block, and a BTT that is there but does not start, leave the namespace
    /// disabled rather than showing its raw bytes; anything else falls through, at last to a raw block device.
    /// </summary>
    private static BindOutcome Detect(BindPlan plan, IMedia media)
    {
        foreach (var kind in (PersonalityKind[])[PersonalityKind.Btt, PersonalityKind.Pfn, PersonalityKind.Dax])
        {
            if (!Allows(plan.ClaimClass, kind) || plan.Size.Value < SmallestPersonality)
            {
                continue;
            }

            var found = kind == PersonalityKind.Btt ? BttBinding.Detect(plan, media) : PagesBinding.Detect(plan, kind, media);
            if (found.TryGet(out var outcome, out var refusal))
            {
                return outcome;
            }

            if (refusal.Errno is not (Errno.ENODEV or Errno.ENXIO or Errno.EIO))
            {
                return Fail(refusal);
            }
        }

        return new BindOutcome.Raw();
    }

    private static bool Allows(ClaimClass claim, PersonalityKind kind) => claim switch
    {
        ClaimClass.None => true,
        ClaimClass.Btt or ClaimClass.Btt2 => kind == PersonalityKind.Btt,
        ClaimClass.Pfn => kind == PersonalityKind.Pfn,
        ClaimClass.Dax => kind == PersonalityKind.Dax,
        _ => false,
    };

    private static BindOutcome.Failed Fail(Refusal refusal) => new() { Refusal = refusal, Messages = [refusal.Message] };
}
