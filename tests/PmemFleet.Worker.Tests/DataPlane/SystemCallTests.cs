using PmemFleet.Contracts;
using PmemFleet.Contracts.Processes;
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
}
