using System.IO.Compression;
using PmemFleet.Contracts.Campaigns;

namespace PmemFleet.Api.Campaigns;

/// <summary>Whether a part can be merged: found out as it comes, and not from the last worker's report, which is not to blame.</summary>
internal static class CampaignParts
{
    /// <summary>More than a year of a host's errors, and little enough to look through while others wait.</summary>
    private const long MostLogBytes = 256L << 20;

    private const int LongestLine = 64 << 10;

    public static bool IsWhole(CampaignPartDto? part) =>
        part is { Summary: { Delays: not null, ByNamespace: not null } } && (part.Log is null || CanBeRead(part.Log));

    private static bool CanBeRead(byte[] log)
    {
        try
        {
            using var text = new GZipStream(new MemoryStream(log), CompressionMode.Decompress);
            var (buffer, sum, line) = (new byte[64 << 10], 0L, 0);
            int count;
            while ((count = text.Read(buffer)) > 0)
            {
                sum += count;
                foreach (var part in buffer.AsSpan(0, count))
                {
                    line = part == (byte)'\n' ? 0 : line + 1;
                    if (line > LongestLine)
                    {
                        return false;
                    }
                }

                if (sum > MostLogBytes)
                {
                    return false;
                }
            }

            return true;
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }
}
