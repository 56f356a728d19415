using PmemFleet.Contracts.Sync;
using PmemFleet.Worker.Media;
using PmemFleet.Worker.Media.Errors;

namespace PmemFleet.Worker.Tests.Media;

/// <summary>A DIMM's files over crashes, epochs and damage.</summary>
public sealed class DimmMediaTests : IDisposable
{
    private static readonly Guid Host = Guid.Parse("01a20000-0000-7000-8000-000000000001");

    private static readonly DimmLayout Layout = new()
    {
        DimmId = Guid.Parse("01a20000-0000-7000-8000-000000000101"),
        Name = "nmem0",
        Capacity = 1 << 20,
        ClearErrorUnit = 256,
    };

    private readonly MediaFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void State_OfANewEpoch_GoesOnFromTheFormersAndForgetsItsFile()
    {
        using (var former = Open(1))
        {
            former.Change(ErrorChange.Poison(4096, 256));
        }

        using var next = Open(2);

        Assert.Equal([new DpaRange(4096, 256)], next.Observe(2).Poison);
        Assert.Equal(3, next.Version);
        Assert.Single(Directory.EnumerateFiles(_folder.Path, "*.state"));
    }

    [Fact]
    public void Change_AfterANewerEpochOpened_IsFencedAndLeavesTheSuccessorsState()
    {
        using var former = Open(1);
        former.Change(ErrorChange.Poison(0, 256));
        using var next = Open(2);
        next.Change(ErrorChange.Heal(0, 256));

        Assert.Throws<FencedException>(() => former.Change(ErrorChange.Poison(8192, 256)));
        Assert.Throws<FencedException>(() => former.SetDirtyShutdownCount(7));
        Assert.Throws<FencedException>(former.Wipe);
        Assert.Throws<FencedException>(former.Remove);

        Assert.Equal([new DpaRange(0, 256)], former.Observe(1).Poison);
        using var again = Open(2);
        Assert.Empty(again.Observe(2).Poison);
        Assert.Equal(next.Version, again.Version);
    }

    [Fact]
    public void State_WrittenByAFormerEpochAfterItsEnd_IsNotRead()
    {
        using var former = Open(1);
        former.Change(ErrorChange.Poison(0, 256));
        var file = Assert.Single(Directory.EnumerateFiles(_folder.Path, "*.state"));
        var late = File.ReadAllBytes(file);
        using (var next = Open(2))
        {
            next.Change(ErrorChange.Heal(0, 256));
        }

        // stopped between its look at the fence and the rename, it goes on now
        File.WriteAllBytes(file, late);

        using var third = Open(3);
        Assert.Empty(third.Observe(3).Poison);
    }

    [Fact]
    public void Open_LastRecordCutShortAnywhere_GoesOnFromTheOneBeforeIt()
    {
        var file = Path.Combine(_folder.Path, $"{Layout.DimmId:N}.1.state");
        long before;
        using (var dimm = Open(1))
        {
            dimm.Change(ErrorChange.Poison(0, 256));
            before = new FileInfo(file).Length;
            dimm.Change(ErrorChange.Poison(4096, 256), ErrorChange.Know(4096, 256));
        }

        var whole = File.ReadAllBytes(file);
        for (var length = before; length < whole.Length; length++)
        {
            File.WriteAllBytes(file, whole[..(int)length]);
            AssertOnlyTheFirst();

            // a power cut may leave zeroes where the rest was to be
            File.WriteAllBytes(file, [.. whole[..(int)length], .. new byte[whole.Length - length]]);
            if (!File.ReadAllBytes(file).AsSpan().SequenceEqual(whole))
            {
                AssertOnlyTheFirst();
            }
        }

        void AssertOnlyTheFirst()
        {
            using var dimm = Open(1);
            Assert.Equal([new DpaRange(0, 256)], dimm.Observe(1).Poison);
            Assert.Empty(dimm.Observe(1).BadRanges);
            Assert.True(dimm.Change(ErrorChange.Poison(8192, 256)));
            using var again = Open(1);
            Assert.Equal(2, again.Observe(1).Poison.Count);
            Assert.Equal(dimm.Version, again.Version);
        }
    }

    [Fact]
    public void Open_DamagedBeforeItsEnd_IsRefusedRatherThanForgotten()
    {
        var file = Path.Combine(_folder.Path, $"{Layout.DimmId:N}.1.state");
        long last;
        using (var dimm = Open(1))
        {
            dimm.Change(ErrorChange.Poison(0, 256));
            dimm.Change(ErrorChange.Poison(4096, 256));
            last = new FileInfo(file).Length;
            dimm.Change(ErrorChange.Poison(8192, 256));
        }

        var whole = File.ReadAllBytes(file);
        for (var at = 0; at < last; at++)
        {
            var damaged = whole.ToArray();
            damaged[at] ^= 0x10;
            File.WriteAllBytes(file, damaged);
            Assert.Throws<InvalidDataException>(() => Open(1));
        }

        File.WriteAllBytes(file, []);
        Assert.Throws<InvalidDataException>(() => Open(1));
    }

    [Fact]
    public void Journal_OfManyChanges_IsWrittenAnewAndSaysTheSame()
    {
        var random = new Random(5);
        using var dimm = Open(1);
        var file = Path.Combine(_folder.Path, $"{Layout.DimmId:N}.1.state");
        var (largest, last) = (0L, 0L);
        var shrank = 0;
        for (var number = 0; number < 300; number++)
        {
            ErrorChange[] changes = [.. Enumerable.Range(0, 200).Select(_ => new ErrorChange((ErrorChangeKind)random.Next(4), random.Next(1 << 19), random.Next(1, 512)))];
            dimm.Change(changes);
            var length = new FileInfo(file).Length;
            shrank += length < last ? 1 : 0;
            (largest, last) = (Math.Max(largest, length), length);
        }

        Assert.True(shrank > 0);
        Assert.InRange(largest, 1 << 19, 3 << 20);
        using var again = Open(2);
        Assert.Equal(dimm.Poison.Ranges, again.Poison.Ranges);
        Assert.Equal(dimm.Known.Ranges, again.Known.Ranges);
    }

    [Fact]
    public void MillionErrors_InOneChange_AreThereAfterARestart()
    {
        var layout = Layout with { Capacity = 6L << 40 };
        using (var dimm = Open(1, layout))
        {
            Assert.True(dimm.Change(new ErrorChange(ErrorChangeKind.Poison, 4096, 256, 1_000_000, 6 << 20)));
            Assert.Equal(DimmObserving.MostRanges, dimm.Observe(1).Poison.Count);
        }

        using var again = Open(2, layout);
        Assert.Equal((1_000_000, 256_000_000L), (again.Poison.Count, again.Observe(2).PoisonBytes));
        Assert.True(again.Change(ErrorChange.Heal(4096, 256)));
        Assert.Equal(999_999, again.Observe(2).PoisonRanges);
    }

    [Fact]
    public void Image_CutShortAfterItsRename_IsCompletedByTheNextOpen()
    {
        using (var dimm = Open(1))
        {
            dimm.Write(0, [1, 1, 1]);
            dimm.Change(ErrorChange.Poison(0, 256), ErrorChange.Know(0, 256));
        }

        var image = new byte[Layout.Capacity];
        image[0] = 2;
        File.WriteAllBytes(Path.Combine(_folder.Path, $"{Layout.DimmId:N}.dimm.image"), image);

        using var next = Open(2);

        var first = new byte[3];
        next.Read(0, first);
        Assert.Equal([2, 0, 0], first);
        Assert.Empty(next.Observe(2).Poison);
        Assert.Empty(next.Observe(2).BadRanges);
        Assert.Empty(Directory.EnumerateFiles(_folder.Path, "*.image"));
    }

    [Fact]
    public void Change_ThatChangesNothing_HasNoVersion()
    {
        using var dimm = Open(1);
        Assert.True(dimm.Change(ErrorChange.Poison(0, 256)));
        Assert.False(dimm.Change(ErrorChange.Poison(64, 64), ErrorChange.Forget(0, 4096)));
        Assert.Equal(2, dimm.Version);
    }

    [Theory]
    [InlineData(1000, 100)]
    [InlineData(4096, 8192)]
    [InlineData(5000, 100000)]
    public void Zero_AnyRange_ZeroesThatAndNoMore(int dpa, int length)
    {
        using var dimm = Open(1);
        dimm.Write(0, [.. Enumerable.Repeat((byte)1, 200000)]);

        dimm.Zero(dpa, length);

        var bytes = new byte[200000];
        dimm.Read(0, bytes);
        Assert.Equal(length, bytes.Count(one => one == 0));
        Assert.All(bytes[dpa..(dpa + length)], one => Assert.Equal(0, one));
    }

    [Fact]
    public void Memory_AfterANewerEpochOpened_StoresNothing()
    {
        using var dimm = Open(1);
        var region = new RegionLayout { RegionId = Guid.Empty, Name = "region0", Start = 1 << 20, Size = Layout.Capacity, Mappings = [new RegionMappingLayout(Layout.DimmId, 0, Layout.Capacity)] };
        var memory = new SystemMemory([region], new Dictionary<Guid, DimmMedia> { [Layout.DimmId] = dimm }, dimm.Fence);
        memory.Write(1 << 20, [1]);

        using var next = Open(2);

        Assert.Throws<FencedException>(() => memory.Write(1 << 20, [2]));
        Assert.Throws<FencedException>(() => memory.Zero(1 << 20, 4096));
        var first = new byte[1];
        next.Read(0, first);
        Assert.Equal(1, first[0]);
    }

    private DimmMedia Open(long epoch, DimmLayout? layout = null) =>
        DimmMedia.Open(_folder.Path, Host, layout ?? Layout, MediaFence.TryRaise(Path.Combine(_folder.Path, "epoch"), epoch)!);
}
