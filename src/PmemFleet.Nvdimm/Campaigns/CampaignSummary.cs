using System.Numerics;

namespace PmemFleet.Nvdimm.Campaigns;

/// <summary>What a campaign came to, of a DIMM or of many: sums, so that parts may be added in any order.</summary>
public sealed class CampaignSummary
{
    private const int Buckets = 48;
    private readonly long[] _delays = new long[Buckets];

    /// <summary>DIMMs.</summary>
    public long Dimms { get; set; }

    /// <summary>Errors that came up, those of bursts each.</summary>
    public long Errors { get; set; }

    /// <summary>DIMMs that failed whole.</summary>
    public long DimmFailures { get; set; }

    /// <summary>Errors that the platform told of at once.</summary>
    public long Announced { get; set; }

    /// <summary>Found by a load through a mapping: its process got SIGBUS.</summary>
    public long MappingHits { get; set; }

    /// <summary>Found by a read of a block device: it was EIO.</summary>
    public long SectorHits { get; set; }

    /// <summary>Found by a scrub.</summary>
    public long Scrubbed { get; set; }

    /// <summary>Not found by the end.</summary>
    public long NeverFound { get; set; }

    /// <summary>Cleared by writes.</summary>
    public long ClearedByWrite { get; set; }

    /// <summary>Cleared after they were known.</summary>
    public long Repaired { get; set; }

    /// <summary>Bytes of namespaces whose content was lost.</summary>
    public long LostBytes { get; set; }

    /// <summary>Errors that hit a namespace, by namespace: <c>host/namespace0.0</c>.</summary>
    public SortedDictionary<string, long> ByNamespace { get; } = new(StringComparer.Ordinal);

    /// <summary>Microseconds from errors to their discovery, all together.</summary>
    public long DelayMicroseconds { get; set; }

    /// <summary>The longest of them.</summary>
    public long LongestDelayMicroseconds { get; set; }

    /// <summary>How many discoveries took less than 2^n microseconds and not less than half of it, by n.</summary>
    public IReadOnlyList<long> Delays => _delays;

    /// <summary>Discoveries.</summary>
    public long Found => Announced + MappingHits + SectorHits + Scrubbed;

    /// <summary>Counts a discovery.</summary>
    public void CountDelay(long microseconds)
    {
        _delays[Math.Min(Buckets - 1, 64 - BitOperations.LeadingZeroCount((ulong)microseconds))]++;
        DelayMicroseconds += microseconds;
        LongestDelayMicroseconds = Math.Max(LongestDelayMicroseconds, microseconds);
    }

    /// <summary>Adds the counts of another part's discoveries.</summary>
    public void AddDelays(IReadOnlyList<long> delays)
    {
        ArgumentNullException.ThrowIfNull(delays);
        for (var bucket = 0; bucket < Math.Min(Buckets, delays.Count); bucket++)
        {
            _delays[bucket] += delays[bucket];
        }
    }

    /// <summary>A bound that so large a share of the discoveries kept, to a factor of two, in seconds.</summary>
    public double DelayWithin(double share)
    {
        var (wanted, seen) = (share * Found, 0L);
        for (var bucket = 0; bucket < Buckets; bucket++)
        {
            seen += _delays[bucket];
            if (seen >= wanted && seen > 0)
            {
                return Math.Min((double)(1L << bucket), LongestDelayMicroseconds) / 1e6;
            }
        }

        return 0;
    }

    /// <summary>Adds another part.</summary>
    public void Add(CampaignSummary other)
    {
        ArgumentNullException.ThrowIfNull(other);
        Dimms += other.Dimms;
        Errors += other.Errors;
        DimmFailures += other.DimmFailures;
        Announced += other.Announced;
        MappingHits += other.MappingHits;
        SectorHits += other.SectorHits;
        Scrubbed += other.Scrubbed;
        NeverFound += other.NeverFound;
        ClearedByWrite += other.ClearedByWrite;
        Repaired += other.Repaired;
        LostBytes += other.LostBytes;
        DelayMicroseconds += other.DelayMicroseconds;
        LongestDelayMicroseconds = Math.Max(LongestDelayMicroseconds, other.LongestDelayMicroseconds);
        AddDelays(other._delays);
        foreach (var (name, count) in other.ByNamespace)
        {
            ByNamespace[name] = ByNamespace.GetValueOrDefault(name) + count;
        }
    }
}
