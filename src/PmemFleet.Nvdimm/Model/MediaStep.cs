using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Model;

/// <summary>One thing a worker does to the media for a command, in the order the command gives.</summary>
/// <param name="Namespace">The namespace's device name.</param>
public abstract record MediaStep(string Namespace)
{
    /// <summary>Stop using the namespace: its device goes away, what is in flight is finished.</summary>
    /// <param name="Namespace">The namespace's device name.</param>
    public sealed record Unbind(string Namespace) : MediaStep(Namespace);

    /// <summary>Write zeroes over the info blocks at the namespace's start, where they are not zero yet.</summary>
    /// <param name="Namespace">The namespace's device name.</param>
    /// <param name="Start">First system-physical address.</param>
    /// <param name="Length">Bytes: 8 KiB.</param>
    public sealed record ZeroInfoBlocks(string Namespace, Spa Start, Bytes Length) : MediaStep(Namespace);

    /// <summary>
    /// Clear the known errors wholly inside a range. A failure ends the clearing, not the command: the next steps follow.
    /// </summary>
    /// <param name="Namespace">The namespace's device name.</param>
    /// <param name="Start">First system-physical address.</param>
    /// <param name="Length">Bytes.</param>
    public sealed record ClearErrors(string Namespace, Spa Start, Bytes Length) : MediaStep(Namespace);

    /// <summary>Examine the BTT of a namespace that is not bound. What it finds is its result; the next steps follow.</summary>
    /// <param name="Namespace">The namespace's device name.</param>
    /// <param name="Start">First system-physical address.</param>
    /// <param name="Size">Bytes.</param>
    /// <param name="ParentUuid">The namespace's own uuid.</param>
    /// <param name="Options">Repair or not.</param>
    public sealed record CheckBtt(string Namespace, Spa Start, Bytes Size, Guid? ParentUuid, Btt.BttCheckOptions Options)
        : MediaStep(Namespace);

    /// <summary>Bind, and report the outcome to <see cref="Bus.Complete"/>.</summary>
    /// <param name="Plan">The plan.</param>
    public sealed record Bind(BindPlan Plan) : MediaStep(Plan.Namespace);
}
