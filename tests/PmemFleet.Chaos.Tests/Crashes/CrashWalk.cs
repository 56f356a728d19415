namespace PmemFleet.Chaos.Tests.Crashes;

/// <summary>Some of the commands of a point's walk, in pieces each of which is run without a gap.</summary>
internal sealed record CrashUnit(CrashPoint Point, IReadOnlyList<IReadOnlyList<Command>> Pieces);

/// <summary>
/// All sequences as one walk: a cycle of commands in which each sequence of three is there exactly once (de Bruijn's). Each command is struck, and the verdict
/// over everything is given behind each, so a walk through the cycle runs every sequence of up to three commands from its first to its verdict. To run each by
/// itself would be the same commands with the same crashes three times, since a sequence of its own begins with what the one before left behind, too.
/// </summary>
internal static class CrashWalk
{
    /// <summary>
    /// For each point, pieces of the walk with so many sequences each. Sequences of which no command reaches the point are left out: nothing would end
    /// in them, and for every such point it would be the same run.
    /// </summary>
    public static IEnumerable<CrashUnit> Units(int sequencesPerUnit)
    {
        var cycle = Cycle();
        return from point in CrashPoint.All
               from starts in Enumerable.Range(0, cycle.Count).Where(start => At(cycle, start).Any(point.CanStrike)).Chunk(sequencesPerUnit)
               select new CrashUnit(point, [.. Pieces(cycle, starts)]);
    }

    private static List<IReadOnlyList<Command>> Pieces(List<Command> cycle, int[] starts)
    {
        var pieces = new List<IReadOnlyList<Command>>();
        foreach (var (start, place) in starts.Select((start, place) => (start, place)))
        {
            // sequences that overlap share commands
            var gap = place == 0 ? int.MaxValue : start - starts[place - 1];
            if (gap >= CommandSequence.Longest)
            {
                pieces.Add(At(cycle, start));
            }
            else
            {
                pieces[^1] = [.. pieces[^1], .. At(cycle, start).TakeLast(gap)];
            }
        }

        return pieces;
    }

    private static Command[] At(List<Command> cycle, int start) => [.. Enumerable.Range(start, CommandSequence.Longest).Select(place => cycle[place % cycle.Count])];

    /// <summary>Puts together the Lyndon words whose length divides the sequences', in order (Fredricksen, Kessler and Maiorana).</summary>
    private static List<Command> Cycle()
    {
        var kinds = Enum.GetValues<Command>().Length;
        var word = new int[CommandSequence.Longest + 1];
        var cycle = new List<Command>();
        Extend(1, 1);
        return cycle;

        void Extend(int length, int period)
        {
            if (length > CommandSequence.Longest)
            {
                if (CommandSequence.Longest % period == 0)
                {
                    cycle.AddRange(word[1..(period + 1)].Select(kind => (Command)kind));
                }

                return;
            }

            word[length] = word[length - period];
            Extend(length + 1, period);
            for (var kind = word[length - period] + 1; kind < kinds; kind++)
            {
                word[length] = kind;
                Extend(length + 1, length);
            }
        }
    }
}
