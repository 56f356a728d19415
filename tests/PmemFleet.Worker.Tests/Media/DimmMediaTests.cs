using PmemFleet.Contracts.Sync;
using PmemFleet.Worker.Media;

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
            former.Change((poison, _) => poison.Add(4096, 256));
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
        former.Change((poison, _) => poison.Add(0, 256));
        using var next = Open(2);
        next.Change((poison, _) => poison.Remove(0, 256));

        Assert.Throws<FencedException>(() => former.Change((poison, _) => poison.Add(8192, 256)));
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
        former.Change((poison, _) => poison.Add(0, 256));
        var file = Assert.Single(Directory.EnumerateFiles(_folder.Path, "*.state"));
        var late = File.ReadAllBytes(file);
        using (var next = Open(2))
        {
            next.Change((poison, _) => poison.Remove(0, 256));
        }

        // stopped between its look at the fence and the rename, it goes on now
        File.WriteAllBytes(file, late);

        using var third = Open(3);
        Assert.Empty(third.Observe(3).Poison);
    }

    [Fact]
    public void Open_StateDamaged_IsRefusedRatherThanForgotten()
    {
        using (var dimm = Open(1))
        {
            dimm.Change((poison, _) => poison.Add(0, 256));
        }

        var file = Assert.Single(Directory.EnumerateFiles(_folder.Path, "*.state"));
        var whole = File.ReadAllBytes(file);
        for (var length = 0; length < whole.Length; length += 7)
        {
            File.WriteAllBytes(file, whole[..length]);
            Assert.Throws<InvalidDataException>(() => Open(1));
        }
    }

    [Fact]
    public void Image_CutShortAfterItsRename_IsCompletedByTheNextOpen()
    {
        using (var dimm = Open(1))
        {
            dimm.Write(0, [1, 1, 1]);
            dimm.Change((poison, bad) => poison.Add(0, 256) | bad.Add(0, 256));
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
    public void Change_ThatThrows_ChangesNothing()
    {
        using var dimm = Open(1);
        dimm.Change((poison, _) => poison.Add(0, 256));

        Assert.Throws<InvalidOperationException>(() => dimm.Change((poison, _) => poison.Remove(0, 256) ? throw new InvalidOperationException() : false));

        Assert.Equal([new DpaRange(0, 256)], dimm.Poison.Ranges);
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

    private DimmMedia Open(long epoch) =>
        DimmMedia.Open(_folder.Path, Host, Layout, MediaFence.TryRaise(Path.Combine(_folder.Path, "epoch"), epoch)!);
}
