using System.Globalization;
using PmemFleet.DeviceDax.AddressSpaces;
using PmemFleet.DeviceDax.Devices;
using PmemFleet.DeviceDax.Faults;
using PmemFleet.DeviceDax.Machines;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.Tests.Refusals;

/// <summary>Every refusal of a number: its errno, the number, and that each value it names as legal is not refused by the same rule.</summary>
public class LegalValueTests
{
    private const ulong M = ByteCount.MiB;
    private const ulong At = 0x7f00_0000_0000;

    /// <summary>Rule, errno, a value the rule refuses, and the call with a value.</summary>
    public static TheoryData<string, Errno, ulong, Func<ulong, Refusal?>> Cases { get; } = new()
    {
        { "mmap-offset-unaligned", Errno.EINVAL, 100, On((p, fd, value) => Fixture.Map(p, fd, 2 * M, value).Refusal) },
        { "mmap-offset-unaligned", Errno.EINVAL, ulong.MaxValue, On((p, fd, value) => Fixture.Map(p, fd, 2 * M, value).Refusal) },
        { "mmap-offset-overflow", Errno.EOVERFLOW, ulong.MaxValue - 4095, On((p, fd, value) => Fixture.Map(p, fd, 2 * M, value).Refusal) },
        { "mmap-length-zero", Errno.EINVAL, 0, On((p, fd, value) => Fixture.Map(p, fd, value).Refusal) },
        { "mmap-unaligned-vma", Errno.EINVAL, 3 * M, On((p, fd, value) => Fixture.Map(p, fd, value).Refusal) },
        { "mmap-fixed-unaligned", Errno.EINVAL, At + 5, On((p, fd, value) => Fixture.Map(p, fd, 2 * M, 0, MapFlags.Shared | MapFlags.Fixed, value).Refusal) },
        { "dax-split-misaligned", Errno.EINVAL, At + M, Mapped((p, value) => p.Munmap(new(value), new(At + (8 * M) - value)).Refusal) },
        { "munmap-range", Errno.EINVAL, At + 1, Mapped((p, value) => p.Munmap(new(value), new(2 * M)).Refusal) },
        { "munmap-range", Errno.EINVAL, 0, Mapped((p, value) => p.Munmap(new(At + (16 * M)), new(value)).Refusal) },
        { "munmap-range", Errno.EINVAL, ulong.MaxValue - 8191, Mapped((p, value) => p.Munmap(new(value), new(4096)).Refusal) },
        { "mprotect-unaligned", Errno.EINVAL, At + 1, Mapped((p, value) => p.Mprotect(new(value), new(2 * M), Protection.Read).Refusal) },
        { "mprotect-not-allowed", Errno.EACCES, (ulong)Fixture.ReadWrite, ReadOnly((p, value) => p.Mprotect(new(At), new(2 * M), (Protection)value).Refusal) },
        { "madvise-unaligned", Errno.EINVAL, At + 1, Mapped((p, value) => p.Madvise(new(value), new(2 * M), Advice.Random).Refusal) },
        { "madvise-unaligned", Errno.EINVAL, At + 4095, Mapped((p, value) => p.Madvise(new(value), new(0), Advice.HwPoison).Refusal) },
        { "madvise-unknown", Errno.EINVAL, 99, Mapped((p, value) => p.Madvise(new(At), new(2 * M), (Advice)value).Refusal) },
        { "mincore-unaligned", Errno.EINVAL, At + 1, Mapped((p, value) => p.Mincore(new(value), new(4096)).Refusal) },
        { "msync-arguments", Errno.EINVAL, At + 1, Mapped((p, value) => p.Msync(new(value), new(4096), SyncFlags.Async).Refusal) },
        { "msync-arguments", Errno.EINVAL, 5, Mapped((p, value) => p.Msync(new(At), new(4096), (SyncFlags)value).Refusal) },
        { "dax-no-fsync", Errno.EINVAL, 4, Mapped((p, value) => p.Msync(new(At), new(4096), (SyncFlags)value).Refusal) },
        { "mremap-beyond-mapping", Errno.EFAULT, 64 * M, Mapped((p, value) => p.Mremap(new(At), new(value), new(128 * M), RemapFlags.MayMove).Refusal) },
        { "pin-length", Errno.EINVAL, 0, Mapped((p, value) => p.Pin(new(At), new(value), AccessKind.Read).Refusal) },
        { "lseek-whence", Errno.EINVAL, 5, On((p, fd, value) => p.Seek(fd, (int)value).Refusal) },
        { "dax-size-misaligned", Errno.EINVAL, 3 * M, Part((part, value) => part.Resize(new(value)).Refusal) },
        { "dax-no-space", Errno.ENOSPC, 64 * M, Part((part, value) => part.Resize(new(value)).Refusal) },
        { "dax-align-unsupported", Errno.EINVAL, 8192, Part((part, value) => part.SetAlign(new(value)).Refusal) },
        { "dax-align-range", Errno.EINVAL, 1 << 30, Part((part, value) => part.Resize(new(4 * M)).Refusal ?? part.SetAlign(new(value)).Refusal) },
        { "dax-region-misaligned", Errno.ENOMEM, 3 * M, value => Region(value) },
        { "dax-region-misaligned", Errno.ENOMEM, 0, value => Region(value) },
        { "dax-extent-misaligned", Errno.EINVAL, 3 * M, value => Extent(value) },
        { "kmem-range-too-small", Errno.EINVAL, 100 * M, value => new DaxBinding("dax0.0", new(new(Fixture.DataStart + (100 * M)), new(value))).ToSystemRam(true).Refusal },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Refused_AValue_NamesNumbersAndLegalOnes(string rule, Errno errno, ulong value, Func<ulong, Refusal?> call)
    {
        var refused = call(value);

        Assert.NotNull(refused);
        Assert.Equal((rule, errno), (refused.Rule, refused.Errno));
        Assert.True(refused.Numbers.Count > 0 || rule == "dax-no-fsync", $"{rule} has no numbers");
        Assert.NotEmpty(refused.Allowed);
        Assert.All(refused.Allowed, legal =>
        {
            // a known advice may not be for this mapping, and a size may not be free: other rules
            var again = call(legal.StartsWith("0x", StringComparison.Ordinal) ? Convert.ToUInt64(legal, 16) : ulong.Parse(legal, CultureInfo.InvariantCulture));
            Assert.True(again is null || again.Rule != rule, $"{legal}: {again}");
        });
    }

    private static Func<ulong, Refusal?> On(Func<Process, int, ulong, Refusal?> call) => value =>
    {
        var (machine, _) = Fixture.WithDevice(PageGranule.Pmd, 16 * M);
        var (process, fd) = Fixture.Opened(machine);
        return call(process, fd, value);
    };

    /// <summary>8 MiB of a device of 2 MiB pages at a known address.</summary>
    private static Func<ulong, Refusal?> Mapped(Func<Process, ulong, Refusal?> call) => On((process, fd, value) =>
    {
        Assert.Null(Fixture.Map(process, fd, 8 * M, 0, MapFlags.Shared | MapFlags.Fixed, At).Refusal);
        return call(process, value);
    });

    private static Func<ulong, Refusal?> ReadOnly(Func<Process, ulong, Refusal?> call) => On((process, _, value) =>
    {
        var fd = process.Open("/dev/dax0.0", Files.OpenFlags.ReadOnly).Value;
        Assert.Null(process.Mmap(new(8 * M, Protection.Read, MapFlags.Shared | MapFlags.Fixed, fd) { Address = At }).Refusal);
        return call(process, value);
    });

    private static Func<ulong, Refusal?> Part(Func<DaxPartition, ulong, Refusal?> call) => value =>
    {
        var region = new Machine().AddRegion(new(0, new(new(Fixture.DataStart), new(16 * M)), PageGranule.Pte) { IsStatic = false }).Value;
        return call(region.Create(1).Value, value);
    };

    private static Refusal? Region(ulong length) =>
        new Machine().AddRegion(new(0, new(new(Fixture.DataStart), new(length)), PageGranule.Pmd)).Refusal;

    private static Refusal? Extent(ulong length) =>
        new Machine().AddRegion(new(0, new(new(Fixture.DataStart), new(16 * M)), PageGranule.Pmd) { IsStatic = false }).Value
            .AddDevice(new(0, [new(new(Fixture.DataStart), new(length))])).Refusal;
}
