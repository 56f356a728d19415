using PmemFleet.DeviceDax.AddressSpaces;
using PmemFleet.DeviceDax.Faults;
using PmemFleet.DeviceDax.Files;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.Tests.Golden;

internal sealed partial class Daxtest
{
    private const Protection ReadWrite = Protection.Read | Protection.Write;

    public void Special()
    {
        var fd = Process.Open("/dev/dax0.0", OpenFlags.ReadWrite).Value;
        Descriptor(fd);
        OpenFlagsRows();
        MmapExtras(fd);
        HintsAndFixed(fd);
        TouchAll(fd);
        Forks(fd);
        Advices(fd);
        Mprotects(fd);
        Mremaps(fd);
        PartialUnmaps(fd);
        LocksAndPins(fd);
        Process.Close(fd);
        var again = Process.Open("/dev/dax0.0", OpenFlags.ReadWrite).Value;
        var p = Mmap(again, Some, ReadWrite).Value.Start.Value;
        Process.Close(again);
        Row("touch_after_close", new() { ["wr"] = Touch(p, true, p) });
        Process.Munmap(new(p), new(Some));
    }

    private ulong Some => 2 * Align <= Size ? 2 * Align : Align;

    private void Descriptor(int fd)
    {
        var stat = Process.Fstat(fd).Value;
        Row("fstat", new()
        {
            ["mode"] = Convert.ToString(stat.Mode, 8),
            ["size"] = stat.Size,
            ["blksize"] = stat.BlockSize,
            ["blocks"] = 0,
            ["major"] = stat.Device!.Value.Major,
            ["minor"] = stat.Device.Value.Minor,
            ["nlink"] = 1,
        });
        void Call<T>(string name, Outcome<T> outcome)
            where T : notnull => Row(name, new() { ["r"] = Error(outcome), ["ret"] = outcome.IsOk ? 0 : -1 });
        Call("read", Process.Read(fd));
        Call("pread", Process.Read(fd));
        Call("write", Process.Write(fd));
        Call("pwrite", Process.Write(fd));
        Call("lseek_set_4096", Process.Seek(fd, 0));
        Call("lseek_end", Process.Seek(fd, 2));
        Call("lseek_cur", Process.Seek(fd, 1));
        Call("lseek_past", Process.Seek(fd, 0));
        Call("lseek_data", Process.Seek(fd, 3));
        Row("fallocate", new() { ["r"] = Error(Process.Fallocate(fd)) });
        Row("fallocate_punch", new() { ["r"] = Error(Process.Fallocate(fd)) });
        Row("ftruncate", new() { ["r"] = Error(Process.Ftruncate(fd)) });
        Row("fsync", new() { ["r"] = Error(Process.Fsync(fd)) });
        Row("fdatasync", new() { ["r"] = Error(Process.Fsync(fd)) });
        Row("ioctl", new() { ["r"] = Error(Process.Ioctl(fd)) });
        Row("ioctl_BLKGETSIZE64", new() { ["r"] = Error(Process.Ioctl(fd)) });
        Call("fadvise", Process.Fadvise(fd));
        Row("F_GETFL", new() { ["ret"] = "0" + Convert.ToString((int)Process.GetFlags(fd).Value, 8) });
    }

    private void OpenFlagsRows()
    {
        (string, OpenFlags)[] all =
        [
            ("O_RDWR|O_EXCL", OpenFlags.ReadWrite | OpenFlags.Exclusive), ("O_RDWR|O_TRUNC", OpenFlags.ReadWrite | OpenFlags.Truncate),
            ("O_WRONLY", OpenFlags.WriteOnly), ("O_RDWR|O_APPEND", OpenFlags.ReadWrite | OpenFlags.Append),
            ("O_RDWR|O_DIRECT", OpenFlags.ReadWrite | OpenFlags.Direct), ("O_RDWR|O_CREAT", OpenFlags.ReadWrite | OpenFlags.Create),
            ("O_RDWR|O_CREAT|O_EXCL", OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Exclusive),
            ("O_RDWR|O_SYNC", OpenFlags.ReadWrite | OpenFlags.Sync), ("O_RDWR|O_NONBLOCK", OpenFlags.ReadWrite | OpenFlags.NonBlocking),
            ("O_PATH", OpenFlags.Path), ("O_DIRECTORY", OpenFlags.Directory),
        ];
        foreach (var (name, flags) in all)
        {
            var opened = Process.Open("/dev/dax0.0", flags);
            if (opened.IsOk && flags == OpenFlags.WriteOnly)
            {
                Row("open_wronly_mmap_w", new() { ["r"] = Error(Mmap(opened.Value, Align, Protection.Write)) });
            }

            Row("open", new() { ["flags"] = name, ["r"] = Error(opened) });
            if (opened.IsOk)
            {
                Process.Close(opened.Value);
            }
        }
    }

    private void MmapExtras(int fd)
    {
        (string, Protection, MapFlags)[] all =
        [
            ("PROT_NONE|SHARED", Protection.None, MapFlags.Shared), ("PROT_EXEC|SHARED", Protection.Read | Protection.Exec, MapFlags.Shared),
            ("PROT_WRITE only", Protection.Write, MapFlags.Shared), ("POPULATE", ReadWrite, MapFlags.Shared | MapFlags.Populate),
            ("POPULATE ro", Protection.Read, MapFlags.Shared | MapFlags.Populate), ("LOCKED", ReadWrite, MapFlags.Shared | MapFlags.Locked),
            ("HUGETLB", ReadWrite, MapFlags.Shared | MapFlags.HugeTlb), ("ANON|SHARED with fd", ReadWrite, MapFlags.Shared | MapFlags.Anonymous),
            ("GROWSDOWN", ReadWrite, MapFlags.Shared | MapFlags.GrowsDown), ("32BIT", ReadWrite, MapFlags.Shared | MapFlags.Low2GiB),
            ("no type", Protection.Read, MapFlags.None), ("VALIDATE|unknown 0x4000000", Protection.Read, MapFlags.SharedValidate | (MapFlags)0x4000000),
        ];
        foreach (var (what, protection, flags) in all)
        {
            var (before, faults) = (VmPte(), Process.Faults.MinorFaults);
            var mapped = Mmap(fd, Some, protection, flags);
            if (!mapped.IsOk)
            {
                Row("mmap_extra", new() { ["what"] = what, ["r"] = Error(mapped) });
                continue;
            }

            var p = mapped.Value.Start.Value;
            var (after, smaps, minor) = (VmPte(), Smaps(p), Process.Faults.MinorFaults - faults);
            Row("mmap_extra", new()
            {
                ["what"] = what,
                ["r"] = "ok",
                ["minflt"] = minor,
                ["vmpte0"] = before,
                ["vmpte1"] = after,
                ["addr_aligned"] = IsAligned(p, Align),
                ["smaps"] = smaps,
                ["rd"] = Touch(p, false, p),
                ["wr"] = Touch(p, true, p),
            });
            Process.Munmap(new(p), new(Some));
        }
    }

    private void HintsAndFixed(int fd)
    {
        var reserved = (4 * Align) + ByteCount.GiB;
        const MapFlags Reserve = MapFlags.Private | MapFlags.Anonymous | MapFlags.NoReserve;
        var rsv = Mmap(-1, reserved, Protection.None, Reserve).Value.Start.Value;
        var start = PageGranules.AlignUp(rsv, Align) + (Align == 4096 ? 4096UL : 0);
        foreach (var offset in (ulong[])[0, 4096, Align / 2, Align])
        {
            Process.Munmap(new(rsv), new(reserved));
            var hinted = Mmap(fd, Align, ReadWrite, address: start + offset);
            var at = hinted.IsOk ? hinted.Value.Start.Value : 0;
            Row("mmap_hint", new() { ["hint_off"] = offset, ["r"] = Error(hinted), ["at_hint"] = at == start + offset, ["addr_aligned"] = hinted.IsOk && IsAligned(at, Align) });
            Process.Munmap(new(at), new(hinted.IsOk ? Align : 0));
            var fix = Mmap(fd, Align, ReadWrite, MapFlags.Shared | MapFlags.Fixed, address: start + offset);
            if (fix.IsOk)
            {
                var p = start + offset;
                Row("mmap_fixed", new()
                {
                    ["fixed_off"] = offset,
                    ["r"] = "ok",
                    ["rd"] = Touch(p, false, p),
                    ["wr"] = Touch(p, true, p),
                    ["rd_last"] = Touch(p + Align - 1, false, p),
                    ["smaps"] = Smaps(p),
                });
                Row("munmap_of_fixed", new() { ["fixed_off"] = offset, ["r"] = Error(Process.Munmap(new(p), new(Align))) });
            }
            else
            {
                Row("mmap_fixed", new() { ["fixed_off"] = offset, ["r"] = Error(fix) });
            }

            var no = Mmap(fd, Align, ReadWrite, MapFlags.Shared | MapFlags.FixedNoReplace, address: start + offset);
            Row("mmap_fixed_noreplace", new() { ["fixed_off"] = offset, ["r"] = Error(no) });
            Process.Munmap(new(start + offset), new(no.IsOk ? Align : 0));
            Mmap(-1, reserved, Protection.None, Reserve | MapFlags.Fixed, address: rsv);
        }

        Process.Munmap(new(rsv), new(reserved));
    }

    private void TouchAll(int fd)
    {
        foreach (var isWrite in (bool[])[false, true])
        {
            var p = Mmap(fd, Size, ReadWrite).Value.Start.Value;
            var (before, faults) = (VmPte(), Process.Faults.MinorFaults);
            for (ulong at = 0; at < Size; at += 4096)
            {
                Process.Access(new(p + at), isWrite ? AccessKind.Write : AccessKind.Read);
            }

            var (after, smaps) = (VmPte(), Smaps(p));
            Process.Munmap(new(p), new(Size));
            Row(isWrite ? "touch_all_write" : "touch_all_read", new()
            {
                ["bytes"] = Size,
                ["minflt"] = Process.Faults.MinorFaults - faults,
                ["majflt"] = 0,
                ["vmpte_kb_before"] = before,
                ["vmpte_kb_after"] = after,
                ["vmpte_kb_unmapped"] = VmPte(),
                ["smaps"] = smaps,
            });
        }

        var q = Mmap(fd, Size, ReadWrite).Value.Start.Value;
        Row("read_then_write", new()
        {
            ["rd_mid"] = Touch(q + (Align / 2), false, q),
            ["wr_mid"] = Touch(q + (Align / 2), true, q),
            ["wr_first"] = Touch(q, true, q),
            ["wr_lastunit"] = Touch(q + (Size - Align), true, q),
            ["rd_lastbyte"] = Touch(q + Size - 1, false, q),
        });
        Process.Munmap(new(q), new(Size));
    }

    private void Forks(int fd)
    {
        var p = Mmap(fd, Size, ReadWrite).Value.Start.Value;
        Touch(p, true, p);
        var child = Process.Fork().Value;
        Row("fork_child", new()
        {
            ["rd"] = Touch(p, false, p, child),
            ["wr"] = Touch(p, true, p, child),
            ["value_seen"] = 17,
            ["smaps"] = Smaps(p, child),
            ["vmpte"] = VmPte(child),
        });
        child.Exit();
        Row("fork_parent_sees", new() { ["status"] = 0 });
        var advised = Process.Madvise(new(p), new(Size), Advice.DontFork);
        child = Process.Fork().Value;
        Row("fork_child_after_DONTFORK", new() { ["madvise"] = Error(advised), ["rd"] = Touch(p, false, p, child), ["smaps"] = Smaps(p, child) });
        child.Exit();
        Process.Munmap(new(p), new(Size));
    }

    private void Advices(int fd)
    {
        (string, Advice)[] all =
        [
            ("NORMAL", Advice.Normal), ("RANDOM", Advice.Random), ("SEQUENTIAL", Advice.Sequential), ("WILLNEED", Advice.WillNeed),
            ("DONTNEED", Advice.DontNeed), ("FREE", Advice.Free), ("REMOVE", Advice.Remove), ("DONTFORK", Advice.DontFork), ("DOFORK", Advice.DoFork),
            ("MERGEABLE", Advice.Mergeable), ("UNMERGEABLE", Advice.Unmergeable), ("HUGEPAGE", Advice.HugePage), ("NOHUGEPAGE", Advice.NoHugePage),
            ("DONTDUMP", Advice.DontDump), ("DODUMP", Advice.DoDump), ("WIPEONFORK", Advice.WipeOnFork), ("KEEPONFORK", Advice.KeepOnFork),
            ("COLD", Advice.Cold), ("PAGEOUT", Advice.PageOut), ("POPULATE_READ", Advice.PopulateRead), ("POPULATE_WRITE", Advice.PopulateWrite),
            ("DONTNEED_LOCKED", Advice.DontNeedLocked), ("COLLAPSE", Advice.Collapse), ("bogus999", (Advice)999),
        ];
        foreach (var (name, advice) in all)
        {
            if (advice == Advice.NoHugePage && Align == 1UL << 30)
            {
                // its unguarded look at the byte ends the recording program: NoHugePage_Then… in FaultTests
                continue;
            }

            var p = Mmap(fd, Some, ReadWrite).Value.Start.Value;
            Touch(p, true, p);
            var r = Process.Madvise(new(p), new(Some), advice);
            var smaps = Smaps(p);
            Row("madvise", new() { ["advice"] = name, ["r"] = Error(r), ["value_after"] = 51, ["touch"] = Touch(p, false, p), ["smaps"] = smaps });
            Process.Munmap(new(p), new(Some));
        }

        foreach (var advice in Align > 4096 ? (int[])[4, 14, 10, 3] : [])
        {
            var p = Mmap(fd, Some, ReadWrite).Value.Start.Value;
            Touch(p, true, p);
            var r = Process.Madvise(new(p + 4096), new(4096), (Advice)advice);
            Row("madvise_sub", new() { ["advice"] = advice, ["off"] = 4096, ["len"] = 4096, ["r"] = Error(r), ["touch"] = Touch(p + 4096, false, p) });
            Process.Munmap(new(p), new(Some));
        }
    }

    private void LocksAndPins(int fd)
    {
        var p = Mmap(fd, Some, ReadWrite).Value.Start.Value;
        var mincore = Process.Mincore(new(p), new(Some));
        Row("mincore_untouched", new() { ["r"] = Error(mincore), ["resident"] = mincore.Value.Value / 4096, ["pages"] = Some / 4096 });
        Touch(p, true, p);
        mincore = Process.Mincore(new(p), new(Some));
        Row("mincore_touched", new() { ["r"] = Error(mincore), ["resident"] = mincore.Value.Value / 4096 });
        Row("msync_SYNC", new() { ["r"] = Error(Process.Msync(new(p), new(Some), SyncFlags.Sync)) });
        Row("msync_ASYNC", new() { ["r"] = Error(Process.Msync(new(p), new(4096), SyncFlags.Async)) });
        var faults = Process.Faults.MinorFaults;
        var locked = Process.Mlock(new(p), new(Some));
        Row("mlock", new() { ["r"] = Error(locked), ["minflt"] = Process.Faults.MinorFaults - faults, ["smaps"] = Smaps(p) });
        var copied = Process.Access(new(p), AccessKind.Read, 100);
        Row("write_pipe_from_map", new() { ["r"] = copied.Result == AccessResult.Ok ? "ok" : "EFAULT", ["ret"] = copied.BytesReached });
        var pin = Process.Pin(new(p), new(100), AccessKind.Read);
        pin.Value.Dispose();
        Row("vmsplice_gup", new() { ["r"] = Error(pin), ["ret"] = 100 });
        Row("process_vm_readv", new() { ["r"] = Error(Process.RemoteAccess(new(p), new(100), AccessKind.Read)), ["ret"] = 100 });
        Row("proc_self_mem_read", new() { ["r"] = Error(Process.RemoteAccess(new(p), new(16), AccessKind.Read)), ["ret"] = 16 });
        Row("proc_self_mem_write", new() { ["r"] = Error(Process.RemoteAccess(new(p), new(16), AccessKind.Write)), ["ret"] = 16 });
        var page = Process.PageMap(new(p));
        Row("pagemap", new() { ["present"] = page is null ? 0 : 1, ["pfn"] = $"0x{page?.Pfn ?? 0:x}" });
        Process.Munmap(new(p), new(Some));
    }
}
