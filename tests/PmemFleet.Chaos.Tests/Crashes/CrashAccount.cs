namespace PmemFleet.Chaos.Tests.Crashes;

/// <summary>A command that was sent, and whether its crash happened.</summary>
internal sealed record StruckCommand(Command Command, bool Fired);

/// <summary>An honest account of a run: which sequences were run at which points, and where the crash that was armed did happen.</summary>
internal sealed class CrashAccount
{
    /// <summary>A point may be missed now and then, when processes meet otherwise; one that is missed this often and never happens isn't there.</summary>
    private const int Chances = 3;

    private readonly Lock _gate = new();
    private readonly Dictionary<(CrashPoint Point, string Sequence), int> _missed = [];
    private readonly Dictionary<(CrashPoint Point, Command Command), (int Sent, int Fired)> _commands = [];

    public int Commands
    {
        get
        {
            lock (_gate)
            {
                return _commands.Values.Sum(count => count.Sent);
            }
        }
    }

    /// <summary>The last of these commands has ended, and the verdict behind it was given: so has every sequence that ends with it.</summary>
    public void Note(CrashPoint point, IReadOnlyList<StruckCommand> last)
    {
        lock (_gate)
        {
            var (command, fired) = last[^1];
            var (sent, happened) = _commands.GetValueOrDefault((point, command));
            _commands[(point, command)] = (sent + 1, happened + (fired ? 1 : 0));
            for (var length = 1; length <= Math.Min(CommandSequence.Longest, last.Count); length++)
            {
                var sequence = last.TakeLast(length).ToList();
                if (sequence.Exists(struck => point.CanStrike(struck.Command)))
                {
                    // of the runs of one sequence the best counts
                    var key = (point, string.Join(", ", sequence.Select(struck => struck.Command)));
                    var missed = sequence.Count(struck => point.CanStrike(struck.Command) && !struck.Fired);
                    _missed[key] = Math.Min(missed, _missed.GetValueOrDefault(key, missed));
                }
            }
        }
    }

    /// <summary>Fails where a point that every command of a kind has never happened to one.</summary>
    public void Demand()
    {
        lock (_gate)
        {
            var never = _commands.Where(pair => pair.Key.Point.CanStrike(pair.Key.Command) && pair.Value is { Sent: >= Chances, Fired: 0 })
                .Select(pair => $"{pair.Key.Command} with {pair.Key.Point}, {pair.Value.Sent} times").ToList();
            Assert.True(never.Count == 0, $"armed, and never struck: {string.Join("; ", never)}");
        }
    }

    public override string ToString()
    {
        lock (_gate)
        {
            var all = CrashPoint.All.Count * CommandSequence.All.Count;
            var pointless = CrashPoint.All.Sum(point => CommandSequence.All.Count(sequence => !sequence.Any(point.CanStrike)));
            var able = _commands.Where(pair => pair.Key.Point.CanStrike(pair.Key.Command)).ToList();
            var beyond = _commands.Where(pair => !pair.Key.Point.CanStrike(pair.Key.Command)).ToList();
            var points = _commands.GroupBy(pair => pair.Key.Point).OrderBy(group => CrashPoint.All.ToList().IndexOf(group.Key))
                .Select(group => $"{group.Sum(pair => pair.Value.Fired)} × {group.Key}");
            return $"{_missed.Count} of {all} pairs of a sequence and a point were run ({pointless} have nothing to strike): {_missed.Values.Count(missed => missed == 0)} struck in each command that has the point, {_missed.Values.Count(missed => missed > 0)} not in all; "
                + $"of {Commands} commands {able.Sum(pair => pair.Value.Fired)} were struck, {able.Sum(pair => pair.Value.Sent - pair.Value.Fired)} missed, {beyond.Sum(pair => pair.Value.Sent)} don't have the point ({beyond.Sum(pair => pair.Value.Fired)} of them struck all the same); {string.Join(", ", points)}";
        }
    }
}
