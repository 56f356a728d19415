using PmemFleet.Nvdimm.Btt;

namespace PmemFleet.Nvdimm.Tests.Btt;

/// <summary>What a reader and a writer, or two writers, may not do to each other: each test stops one of them at the worst moment.</summary>
public sealed class BttConcurrencyTests
{
    private const long Data = GoldenArena.Base + 4096;
    private const long Map = 33501184;
    private const long Log = 33533952;
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(150);

    [Fact]
    public async Task Write_BlockThatIsBeingRead_WaitsForTheReader()
    {
        using var gated = new GatedMedia(GoldenArena.Undamaged(), (isWrite, at, length) => !isWrite && length == 4096 && at >= Data && at < Map);
        var device = Open(gated);
        var read = new byte[4096];
        var reader = Task.Run(() => device.Read(0, read, cpu: 9));
        await gated.Reached;

        // the first write frees the block that is being read, the second would store into it
        Assert.Null(device.Write(0, Sector('X'), cpu: 5));
        var writer = Task.Run(() => device.Write(0, Sector('Y'), cpu: 5));
        var early = await Task.WhenAny(writer, Task.Delay(Patience)) == writer;
        gated.Open();

        Assert.Null(await reader);
        Assert.Null(await writer);
        Assert.False(early);
        Assert.Equal(Sector('D'), read);
        device.Read(0, read);
        Assert.Equal(Sector('Y'), read);
    }

    [Fact]
    public async Task Write_SameSectorOnTwoCpus_TakesTurnsAtTheMap()
    {
        var media = GoldenArena.Undamaged();
        using var gated = new GatedMedia(media, (isWrite, at, length) => isWrite && length == 16 && at >= Log);
        var device = Open(gated);
        var first = Task.Run(() => device.Write(0, Sector('X'), cpu: 5));
        await gated.Reached;

        var second = Task.Run(() => device.Write(0, Sector('Y'), cpu: 6));
        var early = await Task.WhenAny(second, Task.Delay(Patience)) == second;
        gated.Open();

        Assert.Null(await first);
        Assert.Null(await second);
        Assert.False(early);
        Assert.True(BttCheck.Examine(media, GoldenArena.Parent, new BttCheckOptions()).Consistent);
    }

    [Fact]
    public async Task Write_SameLane_HasOneHolder()
    {
        using var gated = new GatedMedia(GoldenArena.Undamaged(), (isWrite, at, length) => isWrite && length == 4096);
        var device = Open(gated);
        var first = Task.Run(() => device.Write(0, Sector('X'), cpu: 5));
        await gated.Reached;

        var same = Task.Run(() => device.Write(200 * 4096L, Sector('Y'), cpu: 5 + 256));
        var other = Task.Run(() => device.Write(201 * 4096L, Sector('Z'), cpu: 6));
        Assert.Null(await other);
        var early = await Task.WhenAny(same, Task.Delay(Patience)) == same;
        gated.Open();

        Assert.Null(await first);
        Assert.Null(await same);
        Assert.False(early);
    }

    [Fact]
    public async Task Read_SectorWrittenMeanwhile_FollowsTheMap()
    {
        // stops at the second look at the map entry, after the reader has said which block it is about to read
        var looks = 0;
        using var gated = new GatedMedia(GoldenArena.Undamaged(), (isWrite, at, length) => !isWrite && length == 4 && at == Map && Interlocked.Increment(ref looks) == 2);
        var device = Open(gated);
        var read = new byte[4096];
        var reader = Task.Run(() => device.Read(0, read, cpu: 9));
        await gated.Reached;

        Assert.Null(device.Write(0, Sector('X'), cpu: 5));
        gated.Open();

        Assert.Null(await reader);
        Assert.Equal(Sector('X'), read);
    }

    private static BttDevice Open(GatedMedia media) => BttDevice.Open(media, GoldenArena.Base, GoldenArena.Parent, readOnly: false).Value;

    private static byte[] Sector(char fill) => [.. Enumerable.Repeat((byte)fill, 4096)];
}
