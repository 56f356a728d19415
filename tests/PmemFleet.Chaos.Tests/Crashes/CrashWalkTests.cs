namespace PmemFleet.Chaos.Tests.Crashes;

public sealed class CrashWalkTests
{
    /// <summary>The pieces hold every sequence of up to three commands in which the point can strike anything, for every point.</summary>
    [Theory]
    [InlineData(3)]
    [InlineData(49)]
    public void Units_OfAllPoints_HoldEverySequence(int sequencesPerUnit)
    {
        var units = CrashWalk.Units(sequencesPerUnit).ToLookup(unit => unit.Point);
        foreach (var point in CrashPoint.All)
        {
            var held = new HashSet<string>();
            foreach (var piece in units[point].SelectMany(unit => unit.Pieces))
            {
                for (var end = 1; end <= piece.Count; end++)
                {
                    for (var length = 1; length <= Math.Min(end, CommandSequence.Longest); length++)
                    {
                        held.Add(string.Join(' ', piece.Skip(end - length).Take(length)));
                    }
                }
            }

            Assert.Empty(CommandSequence.All.Where(sequence => sequence.Any(point.CanStrike)).Select(sequence => string.Join(' ', sequence)).Except(held));
        }
    }
}
