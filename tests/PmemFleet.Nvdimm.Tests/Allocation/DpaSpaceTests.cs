using CsCheck;
using PmemFleet.Nvdimm.Allocation;
using PmemFleet.Nvdimm.Tests.Labels;

namespace PmemFleet.Nvdimm.Tests.Allocation;

public class DpaSpaceTests
{
    private const long Unit = 16 << 20;
    private static DpaMapping Whole { get; } = new(0, 64 * Unit);

    [Fact]
    public void TryGrow_Fragmented_TakesTheFirstHoleThatFits()
    {
        var space = new DpaSpace();
        space.TryReserve(new DpaExtent(0, 8 * Unit, TestAreas.Uuid(1)));
        space.TryReserve(new DpaExtent(24 * Unit, 8 * Unit, TestAreas.Uuid(2)));

        Assert.True(space.TryGrow(Whole, TestAreas.Uuid(3), 16 * Unit, Unit));
        Assert.True(space.TryGrow(Whole, TestAreas.Uuid(4), Unit, Unit));

        Assert.Equal(8 * Unit, space.FirstOf(TestAreas.Uuid(3))!.Value.Start);
        Assert.Equal(32 * Unit, space.FirstOf(TestAreas.Uuid(4))!.Value.Start);
    }

    [Fact]
    public void TryGrow_OwnerWalledIn_IsRefusedThoughRoomIsElsewhere()
    {
        var space = new DpaSpace();
        space.TryReserve(new DpaExtent(0, Unit, TestAreas.Uuid(1)));
        space.TryReserve(new DpaExtent(Unit, Unit, TestAreas.Uuid(2)));

        Assert.False(space.TryGrow(Whole, TestAreas.Uuid(1), Unit, Unit));
        Assert.True(space.TryGrow(Whole, TestAreas.Uuid(2), Unit, Unit));
        Assert.Equal(2 * Unit, space.Allocated(TestAreas.Uuid(2)));
    }

    [Fact]
    public void Available_MisalignedExtent_CountsRoundedOut()
    {
        var space = new DpaSpace();
        space.TryReserve(new DpaExtent(4096, 4096, TestAreas.Uuid(1)));

        Assert.Equal(63 * Unit, space.Available(Whole, Unit));
        Assert.Equal(63 * Unit, space.LargestHole(Whole, Unit));
    }

    [Fact]
    [Trait("Row", "23")]
    public void Commands_Any_NeverOverlapAndAddUp() =>
        Gen.Select(Gen.Int[0, 9], Gen.Int[1, 12], Gen.Bool).List[0, 60].Sample(commands =>
        {
            var space = new DpaSpace();
            foreach (var (owner, units, grow) in commands)
            {
                var before = space.Allocated(TestAreas.Uuid(owner));
                var hole = space.LargestHole(Whole, Unit);
                if (grow)
                {
                    var grown = space.TryGrow(Whole, TestAreas.Uuid(owner), units * Unit, Unit);
                    Assert.True(!grown || hole >= units * Unit);
                    Assert.True(grown || before > 0 || hole < units * Unit);
                    Assert.Equal(before + (grown ? units * Unit : 0), space.Allocated(TestAreas.Uuid(owner)));
                }
                else
                {
                    space.Shrink(TestAreas.Uuid(owner), Math.Min(units * Unit, before));
                    Assert.Equal(Math.Max(0, before - (units * Unit)), space.Allocated(TestAreas.Uuid(owner)));
                }

                Assert.All(space.Extents.Zip(space.Extents.Skip(1)), p => Assert.True(p.First.End <= p.Second.Start));
                Assert.All(space.Extents, e => Assert.True(e.Start >= 0 && e.End <= Whole.End && e.Length > 0 && e.Start % Unit == 0));
                Assert.True(space.Extents.Select(e => e.Owner).Distinct().Count() == space.Extents.Count, "one range per owner");
                Assert.Equal(Whole.Size - space.Extents.Sum(e => e.Length), space.Available(Whole, Unit));
            }
        });
}
