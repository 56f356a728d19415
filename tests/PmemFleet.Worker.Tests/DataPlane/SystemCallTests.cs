using PmemFleet.Contracts;
using PmemFleet.Contracts.MediaErrors;
using PmemFleet.Contracts.Processes;
using PmemFleet.Contracts.Sync;
using PmemFleet.Worker.Tests.Support;

namespace PmemFleet.Worker.Tests.DataPlane;

/// <summary>System calls and smaps over the data plane: the engine's rules, with their errno.</summary>
public sealed class SystemCallTests : IAsyncLifetime
{
    private WorkerFixture _worker = null!;
    private int _pid;

    public async Task InitializeAsync()
    {
        _worker = await WorkerFixture.StartAsync();
        await _worker.RunAsync(TestLayout.Bind(TestLayout.DevDax, "dax"));
        _pid = (await _worker.Client.PostAsync<ProcessDto>("processes", new CreateProcessRequest())).Value!.Pid;
        await _worker.Client.PostAsync<MappingDto>($"processes/{_pid}/mappings", new CreateMappingRequest { Device = "dax0.0", Length = new ByteSize(8 << 20) });
        await _worker.Client.PostAsync<AccessDto>($"processes/{_pid}/accesses", new CreateAccessRequest { Mapping = 1, Kind = "write", Length = new ByteSize(8 << 20), Stride = new ByteSize(4096) });
    }

    public async Task DisposeAsync() => await _worker.DisposeAsync();

    private async Task<(long? Value, string? Errno)> CallAsync(CreateSystemCallRequest request)
    {
        var answer = await _worker.Client.PostAsync<SystemCallDto>($"processes/{_pid}/system-calls", request);
        return (answer.Value?.Value, answer.Refusal?.Errno);
    }

    private async Task<SmapsEntryDto[]> DaxEntriesAsync() =>
        [.. (await _worker.Client.GetAsync<SmapsDto>($"processes/{_pid}/smaps-entries")).Value!.Entries.Where(entry => entry.Path == "/dev/dax0.0")];

    [Fact]
    public async Task Memory_Calls_ChangeWhatSmapsShows()
    {
        var whole = Assert.Single(await DaxEntriesAsync());
        Assert.Equal((8L << 20, 8L << 20, 2L << 20, "rw-s"), (whole.Rss, whole.PrivateDirty, whole.PageSize, whole.Permissions));

        Assert.Equal((0L, null), await CallAsync(new() { Call = "madvise", Mapping = 1, Advice = "dontneed", Length = new ByteSize(2 << 20) }));
        Assert.Equal(6L << 20, Assert.Single(await DaxEntriesAsync()).Rss);
        Assert.Equal((null, "EINVAL"), await CallAsync(new() { Call = "munmap", Mapping = 1, Offset = new ByteSize(4096), Length = new ByteSize(4096) }));
        Assert.Equal((0L, null), await CallAsync(new() { Call = "munmap", Mapping = 1, Offset = new ByteSize(2 << 20), Length = new ByteSize(2 << 20) }));
        Assert.Equal([2L << 20, 4L << 20], (await DaxEntriesAsync()).Select(entry => entry.Size));
        Assert.Equal((null, "ENODEV"), await CallAsync(new() { Call = "madvise", Mapping = 1, Advice = "remove" }));
        Assert.Equal((0L, null), await CallAsync(new() { Call = "mprotect", Mapping = 1, Protection = ["read"] }));
        Assert.Equal("r--s", (await DaxEntriesAsync())[0].Permissions);
        Assert.Equal((null, "EACCES"), await CallAsync(new() { Call = "madvise", Mapping = 1, Advice = "remove" }));
        Assert.Equal((0L, null), await CallAsync(new() { Call = "msync", Mapping = 1, Flags = ["async"] }));
        Assert.Equal((null, "EINVAL"), await CallAsync(new() { Call = "msync", Mapping = 1, Flags = ["sync"] }));
        Assert.Equal((null, "EINVAL"), await CallAsync(new() { Call = "madvise", Mapping = 1, Advice = "free" }));
        var moved = (await _worker.Client.PostAsync<SystemCallDto>($"processes/{_pid}/system-calls", new CreateSystemCallRequest { Call = "mremap", Mapping = 1, NewLength = new ByteSize(4 << 20), Flags = ["maymove"] })).Value!;
        Assert.StartsWith("0x", moved.Address, StringComparison.Ordinal);
    }

    [Theory]
    [Trait("Row", "75")]
    [InlineData("read", "EINVAL")]
    [InlineData("write", "EINVAL")]
    [InlineData("fsync", "EINVAL")]
    [InlineData("ftruncate", "EINVAL")]
    [InlineData("fallocate", "ENODEV")]
    [InlineData("ioctl", "ENOTTY")]
    [InlineData("lseek", null)]
    [InlineData("close", null)]
    public async Task Descriptor_Calls_GiveDeviceDaxsErrno(string call, string? errno)
    {
        var descriptor = (await CallAsync(new() { Call = "open", Path = "/dev/dax0.0", Flags = ["rdwr", "excl", "trunc"] })).Value!.Value;
        Assert.Equal((errno is null ? 0L : null, errno), await CallAsync(new() { Call = call, Descriptor = (int)descriptor, Whence = 2 }));
        Assert.Equal((null, "EBADF"), await CallAsync(new() { Call = call, Descriptor = 999 }));
        Assert.Equal((null, "EBADF"), await CallAsync(new() { Call = call }));
        Assert.Equal((null, "EINVAL"), await CallAsync(new() { Call = "open", Path = "/dev/dax0.0", Flags = ["direct"] }));
    }

    [Fact]
    public async Task Pin_HoldsItsPagesUntilUnpinnedOnce()
    {
        var pin = (await _worker.Client.PostAsync<SystemCallDto>($"processes/{_pid}/system-calls", new CreateSystemCallRequest { Call = "pin", Mapping = 1, Length = new ByteSize(8192), Write = true })).Value!;
        Assert.Equal(["0x100200000", "0x100201000"], pin.Pages!);
        Assert.Equal((0L, null), await CallAsync(new() { Call = "unpin", Pin = (int)pin.Value }));
        Assert.Equal((null, "ENOENT"), await CallAsync(new() { Call = "unpin", Pin = (int)pin.Value }));
        Assert.Equal((null, "EFAULT"), await CallAsync(new() { Call = "pin", Address = "0x1000", Length = new ByteSize(8192) }));
        Assert.Equal((null, "EINVAL"), await CallAsync(new() { Call = "pin", Mapping = 1, Length = new ByteSize(long.MaxValue) }));
    }

    [Theory]
    [InlineData("fork-bomb", null, "ENOSYS")]
    [InlineData("madvise", "explode", "EINVAL")]
    [InlineData("munmap", null, "EINVAL")]
    public async Task Call_Unknown_IsRefusedWithWhatIsKnown(string call, string? advice, string errno)
    {
        var answer = await _worker.Client.PostAsync<SystemCallDto>($"processes/{_pid}/system-calls", new CreateSystemCallRequest { Call = call, Advice = advice, Address = call == "munmap" ? "nowhere" : "0x7f0000000000" });
        Assert.Equal(errno, answer.Refusal!.Errno);
        Assert.True(call == "munmap" || answer.Refusal.Allowed is { Count: > 5 });
    }

    [Fact]
    public async Task DmaAndCopy_OverLatentPoison_FailAsTheyDoAndMakeItKnown()
    {
        var length = new ByteSize(8192);
        var dma = TestLayout.Place(_worker.Host.Layout, 0x1_0020_0000 + 4096, 256);
        var copy = TestLayout.Place(_worker.Host.Layout, 0x1_0040_0000 + 4096, 256);
        await _worker.RunAsync(new InjectErrorsStep { Ranges = [dma, copy], Notify = false });
        Assert.Equal((8192L, null), await CallAsync(new() { Call = "dma", Mapping = 1, Length = length, Write = true }));
        Assert.Equal((4096L, null), await CallAsync(new() { Call = "dma", Mapping = 1, Length = new ByteSize(4096) }));
        Assert.Empty(_worker.Host.Seen.Values.SelectMany(seen => seen.BadRanges));

        Assert.Equal((null, "EIO"), await CallAsync(new() { Call = "dma", Mapping = 1, Length = length }));
        await Deadlines.UntilAsync(() => _worker.Host.Seen[dma.DimmId].BadRanges.Count == 1, "what the device read is known");
        Assert.Equal(8L << 20, Assert.Single(await DaxEntriesAsync()).Rss);

        Assert.Equal((null, "EFAULT"), await CallAsync(new() { Call = "copy", Mapping = 1, Offset = new ByteSize(2 << 20), Length = length }));
        await Deadlines.UntilAsync(() => _worker.Host.Seen.Values.Sum(seen => seen.BadRanges.Count) == 2, "what the kernel read is known");
        Assert.Equal(6L << 20, Assert.Single(await DaxEntriesAsync()).Rss);
        Assert.Equal((null, "EINVAL"), await CallAsync(new() { Call = "dma", Mapping = 1, Length = new ByteSize(0) }));

        // the mark on the page lives as long as its struct page
        var victims = $"dimms/{copy.DimmId}/victims?dpa={copy.Dpa}&length=256";
        Assert.True((await _worker.Client.GetAsync<MappingVictimsDto>(victims)).Value!.HwPoisoned);
        await _worker.RunAsync(new UnbindStep { Namespace = "namespace0.0" }, TestLayout.Bind(null, "dax"));
        Assert.False((await _worker.Client.GetAsync<MappingVictimsDto>(victims)).Value!.HwPoisoned);
        Assert.Equal((null, "EFAULT"), await CallAsync(new() { Call = "copy", Address = "0x10000", Length = length }));
    }

    [Fact]
    public async Task Access_WithBytesOn1GiBPages_MovesThemBeforeAndAfterALookAtSmaps()
    {
        await using var worker = await WorkerFixture.StartAsync(TestLayout.New(dimmBytes: 1L << 30));
        await worker.RunAsync(TestLayout.Bind(TestLayout.DevDax with { Align = 1 << 30 }, "dax", size: 4L << 30));
        var pid = (await worker.Client.PostAsync<ProcessDto>("processes", new CreateProcessRequest())).Value!.Pid;
        await worker.Client.PostAsync<MappingDto>($"processes/{pid}/mappings", new CreateMappingRequest { Device = "dax0.0", Length = new ByteSize(1 << 30) });
        byte[] bytes = [1, 2, 3];
        var written = await worker.Client.PostAsync<AccessDto>($"processes/{pid}/accesses", new CreateAccessRequest { Mapping = 1, Kind = "write", Offset = new ByteSize(4095), Data = bytes });
        Assert.Equal(("completed", 1L), (written.Value!.Outcome, written.Value.Faults.Pud));

        foreach (var faults in (long[])[0, 1])
        {
            var read = await worker.Client.PostAsync<AccessDto>($"processes/{pid}/accesses", new CreateAccessRequest { Mapping = 1, Kind = "read", Offset = new ByteSize(4095), Length = new ByteSize(3), ReturnData = true });
            Assert.Equal(bytes, read.Value!.Data);
            Assert.Equal(faults, read.Value.Faults.Pud);
            await worker.Client.GetAsync<SmapsDto>($"processes/{pid}/smaps-entries");
        }
    }
}
