using System.Text;
using PmemFleet.Api.Namespaces;
using PmemFleet.Contracts.Hosts;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Api.Hosts;

/// <summary>
/// What a namespace's first 8 KiB say it is, against what the rows say: signature, own uuid, parent uuid (spec 30 section 1, spec 40 section 1: all
/// three begin with 16 bytes of signature and two uuids).
/// </summary>
public static class InfoBlockCheck
{
    private const int SignatureBytes = 16;
    private const int UuidOffset = 16;
    private const int ParentUuidOffset = 32;
    private const int SecondOffset = 4096;

    private static readonly (string Signature, string Kind)[] Signatures =
    [
        ("BTT_ARENA_INFO", PersonalityRow.Btt),
        ("NVDIMM_PFN_INFO", PersonalityRow.Pfn),
        ("NVDIMM_DAX_INFO", PersonalityRow.Dax),
    ];

    public static IEnumerable<HostDifferenceDto> Compare(string name, NamespaceRow row, PersonalityRow? claim, ReadOnlyMemory<byte> blocks)
    {
        var found = Find(blocks.Span, claim?.Kind);
        if (claim is null)
        {
            // a raw namespace may hold anything, and one that is forced raw even an info block
            yield break;
        }

        if (found is not var (uuid, parent))
        {
            yield return Difference(name, "mode", "no info block", claim.Kind);
            yield break;
        }

        if (uuid != claim.Uuid)
        {
            yield return Difference(name, "uuid", $"{uuid}", $"{claim.Uuid}");
        }

        if (row.Uuid is { } own && parent != own && parent != Guid.Empty)
        {
            yield return Difference(name, "rawUuid", $"{parent}", $"{own}");
        }
    }

    private static (Guid Uuid, Guid Parent)? Find(ReadOnlySpan<byte> blocks, string? kind)
    {
        foreach (var at in (ReadOnlySpan<int>)[0, SecondOffset])
        {
            if (blocks.Length < at + ParentUuidOffset + MediaUuid.SizeBytes)
            {
                break;
            }

            var block = blocks[at..];
            var signature = Encoding.ASCII.GetString(block[..SignatureBytes]).TrimEnd('\0');
            if (Array.Exists(Signatures, known => known.Signature == signature && known.Kind == kind))
            {
                return (MediaUuid.ReadRfc(block[UuidOffset..]), MediaUuid.ReadRfc(block[ParentUuidOffset..]));
            }
        }

        return null;
    }

    private static HostDifferenceDto Difference(string subject, string field, string onMedia, string inRows) =>
        new() { Subject = subject, Field = field, OnMedia = onMedia, InRows = inRows };
}
