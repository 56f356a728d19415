using System.IO.Compression;
using System.Text;
using PmemFleet.Api.Operations;
using PmemFleet.Contracts.Campaigns;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Campaigns;

/// <summary>Whether a part can be merged: found out as it comes, and not from the last worker's report, which is not to blame.</summary>
internal static class CampaignParts
{
    /// <summary>
    /// Little enough to look through while others wait, and more than a campaign can have: it makes some 400,000 errors on a host at most
    /// (<see cref="StartCampaign"/>), each of which comes up, is found and is cleared, in lines of less than 180 bytes.
    /// </summary>
    internal const long MostLogBytes = 256L << 20;

    private const int LongestLine = 64 << 10;
    private const long MostCounted = 1L << 50;

    /// <summary>Seconds, microseconds and the blank before a line's host.</summary>
    private const int TimeLength = 20;

    /// <summary>Why the part cannot be taken, or null.</summary>
    /// <param name="part">What the worker brings.</param>
    /// <param name="step">What it was to do.</param>
    /// <param name="host">On which host.</param>
    public static RefusalDto? Check(CampaignPartDto part, CampaignStep step, string host) =>
        part.Summary is not { Delays: not null, ByNamespace: not null } summary || !CanBe(summary, step, host) ? FinishedTask.Damaged
        : part.Log is { } log ? Check(log, Encoding.UTF8.GetBytes($"{host}/"))
        : null;

    /// <summary>Counts of events, and of this host's namespaces only. (Sums of bytes and times say little by themselves.)</summary>
    private static bool CanBe(CampaignSummaryDto summary, CampaignStep step, string host)
    {
        var own = step.Dimms.SelectMany(dimm => dimm.Areas).Select(area => $"{host}/{area.Namespace}").ToHashSet();
        long[] counts =
        [
            summary.Dimms, summary.Errors, summary.DimmFailures, summary.Announced, summary.FoundByMapping, summary.FoundBySector, summary.FoundByScrub, summary.NeverFound,
            summary.ClearedByWrite, summary.Repaired, .. summary.Delays, .. summary.ByNamespace.Values,
        ];
        return Array.TrueForAll(counts, count => count is >= 0 and <= MostCounted) && summary.LongestDelayMicroseconds >= 0
            && summary.Dimms <= step.Dimms.Count && summary.ByNamespace.Keys.All(own.Contains);
    }

    private static RefusalDto? Check(byte[] log, ReadOnlySpan<byte> host)
    {
        try
        {
            using var text = new GZipStream(new MemoryStream(log), CompressionMode.Decompress);
            var (buffer, line, former) = (new byte[64 << 10], new byte[LongestLine], new byte[LongestLine]);
            var (sum, length, formerLength) = (0L, 0, 0);
            int count;
            while ((count = text.Read(buffer)) > 0)
            {
                sum += count;
                if (sum > MostLogBytes)
                {
                    return TooLong(sum);
                }

                for (var rest = buffer.AsSpan(0, count); !rest.IsEmpty;)
                {
                    var end = rest.IndexOf((byte)'\n');
                    var piece = end < 0 ? rest : rest[..end];
                    if (piece.Length > LongestLine - length)
                    {
                        return FinishedTask.Damaged;
                    }

                    piece.CopyTo(line.AsSpan(length));
                    length += piece.Length;
                    if (end < 0)
                    {
                        break;
                    }

                    if (!IsOf(host, line.AsSpan(0, length)) || former.AsSpan(0, formerLength).SequenceCompareTo(line.AsSpan(0, length)) > 0)
                    {
                        return FinishedTask.Damaged;
                    }

                    (line, former, formerLength, length) = (former, line, length, 0);
                    rest = rest[(end + 1)..];
                }
            }

            return length == 0 ? null : FinishedTask.Damaged;
        }
        catch (InvalidDataException)
        {
            return FinishedTask.Damaged;
        }
    }

    private static bool IsOf(ReadOnlySpan<byte> host, ReadOnlySpan<byte> line) => line.Length > TimeLength && line[TimeLength..].StartsWith(host);

    private static RefusalDto TooLong(long bytes) => new()
    {
        Errno = "EFBIG",
        Code = "campaign-log-too-long",
        Message = "The event log of a host's part is longer than a part's may be: ask for fewer errors, or fewer DIMMs a host.",
        Numbers = new Dictionary<string, string> { ["bytes"] = $"{bytes}", ["most"] = $"{MostLogBytes}" },
        Allowed = [$"{MostLogBytes}"],
    };
}
