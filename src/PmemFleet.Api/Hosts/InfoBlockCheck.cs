using PmemFleet.Api.Namespaces;
using PmemFleet.Contracts.Hosts;

namespace PmemFleet.Api.Hosts;

/// <summary>The info blocks of a namespace that a personality holds, field by field, against what the rows say.</summary>
public static class InfoBlockCheck
{
    /// <param name="name">The namespace's name.</param>
    /// <param name="row">The namespace, enabled.</param>
    /// <param name="claim">Who holds it; a raw namespace may hold anything, and one that is forced raw even an info block.</param>
    /// <param name="read">4 KiB at an offset of the namespace; null where they are poisoned.</param>
    public static async Task<IReadOnlyList<HostDifferenceDto>> CompareAsync(
        string name, NamespaceRow row, PersonalityRow? claim, Func<long, Task<byte[]?>> read)
    {
        var differences = new HostDifferences(name);
        if (claim is null)
        {
            return [];
        }

        if (claim.Bound is not { } bound)
        {
            // the driver of an enabled namespace has told what it found
            differences.Add("bound", "enabled", "none");
            return differences.Found;
        }

        differences.Compare("personality.uuid", bound.Uuid, claim.Uuid);
        if (claim.Kind == PersonalityRow.Btt)
        {
            differences.Compare("personality.sectorSize", bound.SectorSize, claim.SectorSize);
            await BttBlockCheck.CompareAsync(differences, row, bound, read);
        }
        else
        {
            differences.Compare("personality.map", bound.Map, claim.Map);
            differences.Compare("personality.align", bound.Align, claim.Align);
            await PagesBlockCheck.CompareAsync(differences, row, claim.Kind, bound, read);
        }

        return differences.Found;
    }
}
