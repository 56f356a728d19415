using PmemFleet.Api.Namespaces;
using PmemFleet.Api.Regions;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Model;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Api.Fleets;

/// <summary>
/// The namespaces that no label describes: each is its whole region and comes by itself with it. What a document says of one is its mode, which an info
/// block on its media keeps.
/// </summary>
public static class LabelLessNamespaces
{
    /// <summary>The namespace is of a label-less region.</summary>
    public const int Kind = (int)NamespaceKind.Io;

    /// <summary>True where the document has to name it: it is not what its region comes with.</summary>
    public static bool IsConfigured(RegionRow region, NamespaceRow row, PersonalityRow? claim) =>
        row.Kind == Kind && row.Size > 0 && (claim is not null || (region.Kind == RegionTexts.Legacy && row.ForceRaw));

    /// <summary>The namespace that stands for a label-less region, among those that are there.</summary>
    public static NamespaceDto? Find(Bus bus, string? region, List<NamespaceDto> there) =>
        region is not null && bus.FindRegion(region) is { NamespaceKind: NamespaceKind.Io } ? there.Find(candidate => candidate.Region == region) : null;

    /// <summary>
    /// Gives the namespace of a region that this document makes its mode. Its media are new, so a bind would find nothing: that one is not sent, and the
    /// model is told what it would have found.
    /// </summary>
    /// <param name="bus">The host's bus.</param>
    /// <param name="region">The region, new.</param>
    /// <param name="options">The mode and its options.</param>
    /// <param name="steps">Takes what the worker has to do.</param>
    public static Outcome<PmemNamespace> SetUp(Bus bus, Region region, NamespaceOptions options, List<MediaStep> steps)
    {
        var device = region.Namespaces.First();
        var name = device.Name;
        _ = steps.RemoveAll(step => step is MediaStep.Bind bind && bind.Plan.Namespace == name);
        if (device.State == NamespaceState.Pending && bus.Complete(name, new BindOutcome.Raw()).Refusal is { } lost)
        {
            return lost;
        }

        // labels would be another fleet; the start is where the document's region starts
        var wanted = options with { Mode = options.Mode ?? NamespaceMode.Fsdax, Force = true, AutoLabel = false };
        var configured = wanted.Mode == NamespaceMode.Raw && region.Kind == RegionKind.Legacy ? ForceRaw(bus, name, wanted) : bus.ReconfigureNamespace(name, wanted);
        if (!configured.TryGet(out var change, out var refusal))
        {
            return refusal;
        }

        if (change.Refusal is { } failed)
        {
            return failed;
        }

        steps.AddRange(change.Steps);
        return change.Namespace;
    }

    /// <summary>A range without DIMMs is ordinary memory unless its info blocks are not to be looked at.</summary>
    private static Outcome<NamespaceChange> ForceRaw(Bus bus, string name, NamespaceOptions wanted)
    {
        if (!bus.ReconfigureNamespace(name, wanted).TryGet(out _, out var refusal) || !bus.Complete(name, new BindOutcome.Raw()).TryGet(out _, out refusal))
        {
            return refusal;
        }

        if (!bus.DisableNamespace(name).TryGet(out _, out refusal))
        {
            return refusal;
        }

        return bus.SetForceRaw(name, forceRaw: true).TryGet(out _, out refusal) ? bus.EnableNamespace(name) : refusal;
    }
}
