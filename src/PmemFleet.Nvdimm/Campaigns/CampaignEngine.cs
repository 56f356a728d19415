namespace PmemFleet.Nvdimm.Campaigns;

/// <summary>An error that is there when a campaign ends.</summary>
/// <param name="Dpa">First byte.</param>
/// <param name="Length">Bytes.</param>
/// <param name="IsKnown">The host knows of it.</param>
public readonly record struct RemainingError(long Dpa, long Length, bool IsKnown);

/// <summary>What a campaign did to one DIMM.</summary>
/// <param name="Dimm">The DIMM.</param>
/// <param name="Events">In order of time.</param>
/// <param name="Summary">Counted.</param>
/// <param name="Remaining">What is poisoned at the end.</param>
/// <param name="ClearedUnits">Clear-error units that were cleared: each took a spare.</param>
public sealed record DimmOutcome(
    CampaignDimm Dimm, IReadOnlyList<CampaignEvent> Events, CampaignSummary Summary, IReadOnlyList<RemainingError> Remaining, long ClearedUnits);

/// <summary>
/// Runs a campaign on one DIMM. Every source on every DIMM has random numbers of its own, seeded by the campaign's seed and their names: so DIMMs may
/// be run in any order, on as many machines as one likes, and the events are the same.
/// </summary>
public static class CampaignEngine
{
    /// <summary>The most errors that a campaign makes on one DIMM: what exceeds it is not made, and no source goes on.</summary>
    public const int MostErrors = 1_000_000;

    private const double SecondsPerHour = 3600;

    /// <summary>Runs the campaign on a DIMM.</summary>
    public static DimmOutcome Run(CampaignPlan plan, CampaignDimm dimm)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(dimm);
        var run = new DimmRun(plan, dimm);
        for (var source = 0; source < plan.Sources.Count; source++)
        {
            run.Plan(plan.Sources[source], new CampaignRandom(plan.Seed, $"{dimm.Host}/{dimm.Name}/{source}"));
        }

        return run.Finish();
    }

    private sealed class DimmRun(CampaignPlan plan, CampaignDimm dimm)
    {
        private readonly List<CampaignEvent> _events = [];
        private readonly List<RemainingError> _remaining = [];
        private readonly CampaignSummary _summary = new() { Dimms = 1 };
        private readonly long _used = dimm.Areas.Sum(area => area.Length);
        private readonly long[] _ends = [.. dimm.Areas.Select(area => area.Dpa + area.Length)];
        private long _clearedUnits;

        /// <summary>When its occurrences are; each makes its errors.</summary>
        public void Plan(ErrorSource source, CampaignRandom random)
        {
            var reads = plan.Access?.ReadsPerSecond ?? 0;
            var start = Math.Max(source.StartSeconds, source.AfterAccesses == 0 ? 0 : reads > 0 ? source.AfterAccesses / reads : double.PositiveInfinity);
            var happened = 0;
            for (var at = Next(source, ref random, start, isFirst: true); at < plan.Seconds && _summary.Errors < MostErrors; at = Next(source, ref random, at, isFirst: false))
            {
                if (source.Probability < 1 && random.NextDouble() >= source.Probability)
                {
                    continue;
                }

                Happen(source, ref random, at);
                if (++happened == source.Times || source.Kind == ErrorSourceKind.DimmFailure)
                {
                    return;
                }
            }
        }

        public DimmOutcome Finish()
        {
            _events.Sort((one, other) => (one.Microseconds, one.Kind, one.Dpa).CompareTo((other.Microseconds, other.Kind, other.Dpa)));
            for (var number = 0; number < _events.Count; number++)
            {
                _events[number] = _events[number] with { Sequence = number };
            }

            return new DimmOutcome(dimm, _events, _summary, _remaining, _clearedUnits);
        }

        private static double Next(ErrorSource source, ref CampaignRandom random, double after, bool isFirst) =>
            source.IntervalSeconds is { } interval ? (isFirst ? after : after + interval) : after + random.NextExponential(source.PerDimmHour / SecondsPerHour);

        private void Happen(ErrorSource source, ref CampaignRandom random, double at)
        {
            var length = Math.Min(dimm.Capacity, source.LengthBytes ?? dimm.ClearErrorUnit);
            switch (source.Kind)
            {
                case ErrorSourceKind.Scattered:
                    Live(source, ref random, at, Place(ref random, 0, dimm.Capacity, length), length);
                    break;
                case ErrorSourceKind.Burst:
                    var spread = Math.Clamp(source.BurstBytes, length, dimm.Capacity);
                    var first = Place(ref random, 0, dimm.Capacity, spread);
                    for (var number = 0; number < source.BurstErrors && _summary.Errors < MostErrors; number++)
                    {
                        var then = at + (random.NextDouble() * source.BurstSeconds);
                        var dpa = Place(ref random, first, spread, length);
                        if (then < plan.Seconds)
                        {
                            Live(source, ref random, then, dpa, length);
                        }
                    }

                    break;
                default:
                    _summary.DimmFailures++;
                    Note(at, CampaignEventKind.DimmFailed, 0, dimm.Capacity);
                    Live(source, ref random, at, 0, dimm.Capacity);
                    break;
            }
        }

        /// <summary>A place on a unit's border for so many bytes.</summary>
        private long Place(ref CampaignRandom random, long from, long within, long length)
        {
            var slots = ((within - length) / dimm.ClearErrorUnit) + 1;
            return from + (random.NextBelow(slots) * dimm.ClearErrorUnit);
        }

        /// <summary>The life of one error: up, found, cleared, as far as the campaign's time reaches.</summary>
        private void Live(ErrorSource source, ref CampaignRandom random, double at, long dpa, long length)
        {
            var hurt = Hurt(dpa, length, out var lost);
            _summary.Errors++;
            _summary.LostBytes += lost;
            if (hurt >= 0)
            {
                var name = $"{dimm.Host}/{dimm.Areas[hurt].Namespace}";
                _summary.ByNamespace[name] = _summary.ByNamespace.GetValueOrDefault(name) + 1;
            }

            Note(at, CampaignEventKind.Injected, dpa, length, hurt);
            var read = hurt < 0 ? double.PositiveInfinity : at + random.NextExponential(Rate(plan.Access?.ReadsPerSecond, length));
            var scrubbed = NextScrub(at, dpa);
            var found = source.IsAnnounced ? at : Math.Min(read, scrubbed);
            if (found >= plan.Seconds)
            {
                _summary.NeverFound++;
                _remaining.Add(new RemainingError(dpa, length, IsKnown: false));
                return;
            }

            Find(source.IsAnnounced, read <= scrubbed, at, found, dpa, length, hurt);

            // a store into a mapping clears nothing; a write of a sector that is known to be bad does
            var written = hurt < 0 || dimm.Areas[hurt].IsMapped || source.Kind == ErrorSourceKind.DimmFailure
                ? double.PositiveInfinity
                : found + random.NextExponential(Rate(plan.Access?.WritesPerSecond, length));
            var repaired = source.Kind == ErrorSourceKind.DimmFailure ? double.PositiveInfinity : found + (plan.RepairAfterSeconds ?? double.PositiveInfinity);
            var cleared = Math.Min(written, repaired);
            if (cleared >= plan.Seconds)
            {
                _remaining.Add(new RemainingError(dpa, length, IsKnown: true));
                return;
            }

            _summary.ClearedByWrite += written <= repaired ? 1 : 0;
            _summary.Repaired += written <= repaired ? 0 : 1;
            _clearedUnits += (length + dimm.ClearErrorUnit - 1) / dimm.ClearErrorUnit;
            Note(cleared, written <= repaired ? CampaignEventKind.ClearedByWrite : CampaignEventKind.Repaired, dpa, length, hurt);
        }

        private void Find(bool isAnnounced, bool isRead, double at, double found, long dpa, long length, int hurt)
        {
            var kind = isAnnounced ? CampaignEventKind.Announced
                : !isRead ? CampaignEventKind.Scrubbed
                : dimm.Areas[hurt].IsMapped ? CampaignEventKind.MappingHit
                : CampaignEventKind.SectorHit;
            _summary.Announced += kind == CampaignEventKind.Announced ? 1 : 0;
            _summary.Scrubbed += kind == CampaignEventKind.Scrubbed ? 1 : 0;
            _summary.MappingHits += kind == CampaignEventKind.MappingHit ? 1 : 0;
            _summary.SectorHits += kind == CampaignEventKind.SectorHit ? 1 : 0;
            _summary.CountDelay(ToMicroseconds(found) - ToMicroseconds(at));
            Note(found, kind, dpa, length, hurt);
        }

        /// <summary>How often an access touches a range of the used part, in a second.</summary>
        private double Rate(double? accessesPerSecond, long length) =>
            _used == 0 || accessesPerSecond is null ? 0 : accessesPerSecond.Value * Math.Min(1.0, (double)(length + plan.Access!.AccessBytes) / _used);

        /// <summary>When a pass next reads an address.</summary>
        private double NextScrub(double at, long dpa)
        {
            if (plan.Scrub is not { } scrub)
            {
                return double.PositiveInfinity;
            }

            var reached = scrub.FirstSeconds + ((double)dpa / scrub.BytesPerSecond);
            return at <= reached ? reached : reached + (Math.Ceiling((at - reached) / scrub.IntervalSeconds) * scrub.IntervalSeconds);
        }

        /// <summary>The first area that the range is in, -1 for none, and the bytes of all areas that it covers.</summary>
        private int Hurt(long dpa, long length, out long lost)
        {
            lost = 0;
            var first = -1;
            var at = Array.BinarySearch(_ends, dpa + 1);
            for (at = at < 0 ? ~at : at; at < _ends.Length && dimm.Areas[at].Dpa < dpa + length; at++)
            {
                first = first < 0 ? at : first;
                lost += Math.Min(_ends[at], dpa + length) - Math.Max(dimm.Areas[at].Dpa, dpa);
            }

            return first;
        }

        private void Note(double seconds, CampaignEventKind kind, long dpa, long length, int area = -1) =>
            _events.Add(new CampaignEvent(ToMicroseconds(seconds), 0, kind, area, dpa, length));

        private static long ToMicroseconds(double seconds) => (long)(seconds * 1e6);
    }
}
