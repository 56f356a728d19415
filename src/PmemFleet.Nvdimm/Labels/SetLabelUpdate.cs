using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Labels;

/// <summary>
/// The update of a namespace's labels over all DIMMs of its set: first every DIMM gets the new label marked as being
/// updated, then every DIMM gets it unmarked (spec 10 section 12).
/// </summary>
public static class SetLabelUpdate
{
    /// <summary>Writes <paramref name="labels"/>, one for each of <paramref name="dimms"/> in the set's order.</summary>
    /// <param name="dimms">Label views of the set's DIMMs.</param>
    /// <param name="labels">The labels by position.</param>
    /// <param name="replaces">The uuid the namespace had before this update, if that changed.</param>
    /// <returns>ENXIO where a DIMM has no free slot: DIMMs before it are already updated, as on Linux.</returns>
    public static Outcome<Done> Write(IReadOnlyList<DimmLabels> dimms, ReadOnlySpan<NamespaceLabel> labels, Guid? replaces = null)
    {
        for (var pass = 0; pass < 2; pass++)
        {
            var flags = pass == 0 ? LabelStates.Updating : LabelStates.None;
            for (var i = 0; i < labels.Length; i++)
            {
                if (!dimms[i].HasIndex)
                {
                    dimms[i].Initialise();
                }

                if (dimms[i].Write(labels[i] with { Flags = flags }, replaces).Refusal is { } refusal)
                {
                    return refusal;
                }
            }
        }

        return default(Done);
    }

    /// <summary>Removes the labels of <paramref name="uuid"/> from every DIMM of the set.</summary>
    public static void Delete(IReadOnlyList<DimmLabels> dimms, Guid uuid)
    {
        foreach (var dimm in dimms)
        {
            dimm.Delete(uuid);
        }
    }
}
