using CsCheck;
using PmemFleet.Contracts.Sync;
using PmemFleet.Worker.Media;

namespace PmemFleet.Worker.Tests.Media;

/// <summary>Ranges of a DIMM against a bitmap of its bytes.</summary>
public sealed class DpaRangeSetTests
{
    private const int Space = 64;

    private static readonly Gen<(bool Add, int Start, int Length)[]> Steps =
        Gen.Select(Gen.Bool, Gen.Int[0, Space - 9], Gen.Int[1, 8]).Array[0, 40];

    [Fact]
    public void Steps_Any_AgreeWithABitmap() => Steps.Sample(steps =>
    {
        var set = new DpaRangeSet([]);
        var bits = new bool[Space];
        foreach (var (add, start, length) in steps)
        {
            var before = bits.ToArray();
            Array.Fill(bits, add, start, length);
            var changed = add ? set.Add(start, length) : set.Remove(start, length);

            Assert.Equal(!before.SequenceEqual(bits), changed);
            Assert.Equal(Runs(bits), set.Ranges);
            Assert.Equal(bits.Skip(start).Take(length).Any(bit => bit), set.Contains(start, length));
            Assert.Equal(bits.Skip(start).Take(length).Count(bit => bit), set.Overlaps(start, length).Sum(range => range.Length));
        }
    });

    private static List<DpaRange> Runs(bool[] bits)
    {
        var runs = new List<DpaRange>();
        for (var at = 0; at < bits.Length; at++)
        {
            if (!bits[at])
            {
                continue;
            }

            var start = at;
            while (at < bits.Length && bits[at])
            {
                at++;
            }

            runs.Add(new DpaRange(start, at - start));
        }

        return runs;
    }
}
