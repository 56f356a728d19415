using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace PmemFleet.Nvdimm.Campaigns;

/// <summary>
/// The event log of a campaign: a line of text for each event, ordered by simulated time, then by the DIMM's name, then by the DIMM's own order. The
/// order is also that of the lines' bytes, so logs of parts are merged by comparing lines. Its SHA-256 stands for the whole.
/// </summary>
public static class CampaignLog
{
    /// <summary>An event's line, with its line feed: <c>000000012345.678901 host/nmem0 0000004 scrubbed dpa=0x1000 length=256 namespace=namespace0.0</c>.</summary>
    public static string Line(CampaignDimm dimm, in CampaignEvent one)
    {
        ArgumentNullException.ThrowIfNull(dimm);
        var (seconds, rest) = Math.DivRem(one.Microseconds, 1_000_000);
        var place = one.Area < 0 ? "-" : dimm.Areas[one.Area].Namespace;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{seconds:D12}.{rest:D6} {dimm.Host}/{dimm.Name} {one.Sequence:D7} {NameOf(one.Kind)} dpa=0x{one.Dpa:x} length={one.Length} namespace={place}\n");
    }

    /// <summary>Writes the log of some DIMMs, in order, and gives its SHA-256.</summary>
    public static byte[] Write(IEnumerable<DimmOutcome> outcomes, Stream? log = null)
    {
        ArgumentNullException.ThrowIfNull(outcomes);

        // with the blank that follows it in the line, so that both orders are one
        var dimms = outcomes.OrderBy(outcome => $"{outcome.Dimm.Host}/{outcome.Dimm.Name} ", StringComparer.Ordinal).ToArray();
        var order = new (long Microseconds, int Dimm, int Sequence)[dimms.Sum(outcome => outcome.Events.Count)];
        var at = 0;
        for (var dimm = 0; dimm < dimms.Length; dimm++)
        {
            foreach (var one in dimms[dimm].Events)
            {
                order[at++] = (one.Microseconds, dimm, one.Sequence);
            }
        }

        Array.Sort(order);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (_, dimm, sequence) in order)
        {
            var line = Encoding.UTF8.GetBytes(Line(dimms[dimm].Dimm, dimms[dimm].Events[sequence]));
            hash.AppendData(line);
            log?.Write(line);
        }

        return hash.GetHashAndReset();
    }

    /// <summary>Merges logs that are in order each into one, and gives its SHA-256.</summary>
    public static byte[] Merge(IEnumerable<Stream> logs, Stream merged)
    {
        ArgumentNullException.ThrowIfNull(logs);
        ArgumentNullException.ThrowIfNull(merged);
        var readers = logs.Select(log => new StreamReader(log, Encoding.UTF8)).ToList();
        var next = new PriorityQueue<StreamReader, string>(StringComparer.Ordinal);
        foreach (var reader in readers)
        {
            Advance(reader);
        }

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        while (next.TryDequeue(out var reader, out var line))
        {
            var bytes = Encoding.UTF8.GetBytes(line + "\n");
            hash.AppendData(bytes);
            merged.Write(bytes);
            Advance(reader);
        }

        readers.ForEach(reader => reader.Dispose());
        return hash.GetHashAndReset();

        void Advance(StreamReader reader)
        {
            if (reader.ReadLine() is { } line)
            {
                next.Enqueue(reader, line);
            }
        }
    }

    private static string NameOf(CampaignEventKind kind) => kind switch
    {
        CampaignEventKind.Injected => "injected",
        CampaignEventKind.Announced => "announced",
        CampaignEventKind.MappingHit => "sigbus",
        CampaignEventKind.SectorHit => "eio",
        CampaignEventKind.Scrubbed => "scrubbed",
        CampaignEventKind.ClearedByWrite => "cleared-by-write",
        CampaignEventKind.Repaired => "repaired",
        _ => "dimm-failed",
    };
}
