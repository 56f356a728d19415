using System.IO.Compression;
using PmemFleet.Contracts.Campaigns;

namespace PmemFleet.Api.Campaigns;

/// <summary>Whether a part can be merged: found out as it comes, and not from the last worker's report, which is not to blame.</summary>
internal static class CampaignParts
{
    public static bool IsWhole(CampaignPartDto? part) =>
        part is { Summary: { Delays: not null, ByNamespace: not null } } && (part.Log is null || CanBeRead(part.Log));

    private static bool CanBeRead(byte[] log)
    {
        try
        {
            using var text = new GZipStream(new MemoryStream(log), CompressionMode.Decompress);
            text.CopyTo(Stream.Null);
            return true;
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }
}
