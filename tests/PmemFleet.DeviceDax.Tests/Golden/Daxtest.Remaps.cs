using System.Text.Json.Nodes;
using PmemFleet.DeviceDax.AddressSpaces;
using PmemFleet.DeviceDax.Files;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.Tests.Golden;

internal sealed partial class Daxtest
{
    private const ulong FarAway = 0x5000_0000_0000;

    private ulong MapSome(int fd)
    {
        var p = Mmap(fd, Some, ReadWrite).Value.Start.Value;
        Touch(p, true, p);
        return p;
    }

    private void Mprotects(int fd)
    {
        var readOnly = Process.Open("/dev/dax0.0", OpenFlags.ReadOnly).Value;
        var p = Mmap(readOnly, Some, Protection.Read).Value.Start.Value;
        Row("mprotect_rdonly_to_RW", new() { ["r"] = Error(Process.Mprotect(new(p), new(Some), ReadWrite)) });
        Row("mprotect_rdonly_to_RX", new() { ["r"] = Error(Process.Mprotect(new(p), new(Some), Protection.Read | Protection.Exec)) });
        Process.Munmap(new(p), new(Some));
        Process.Close(readOnly);
        p = MapSome(fd);
        var r = Error(Process.Mprotect(new(p), new(Some), Protection.Read));
        Row("mprotect_RW_to_R", new() { ["r"] = r, ["rd"] = Touch(p, false, p), ["wr"] = Touch(p, true, p), ["smaps"] = Smaps(p) });
        r = Error(Process.Mprotect(new(p), new(Some), Protection.None));
        Row("mprotect_to_NONE", new() { ["r"] = r, ["rd"] = Touch(p, false, p), ["smaps"] = Smaps(p) });
        r = Error(Process.Mprotect(new(p), new(Some), ReadWrite));
        Row("mprotect_back_RW", new() { ["r"] = r, ["wr"] = Touch(p, true, p) });
        r = Error(Process.Mprotect(new(p), new(4096), Protection.Read));
        Row("mprotect_sub_4096", new() { ["r"] = r, ["smaps"] = Smaps(p) });
        Row("mprotect_sub_half", new() { ["r"] = Error(Process.Mprotect(new(p + (Align / 2)), new(Align / 2), Protection.Read)) });
        r = Error(Process.Mprotect(new(p + Align), new(Align), Protection.Read));
        Row("mprotect_sub_align", new() { ["r"] = r, ["smaps"] = Smaps(p) });
        Process.Munmap(new(p), new(Some));
    }

    private void Mremaps(int fd)
    {
        const RemapFlags Fixed = RemapFlags.MayMove | RemapFlags.Fixed;
        JsonNode? TouchIf(Outcome<VirtualAddress> q) => q.IsOk ? Touch(q.Value.Value, false, q.Value.Value) : null;
        var p = MapSome(fd);
        var q = Process.Mremap(new(p), new(Some), new(Some + Align), RemapFlags.MayMove);
        Row("mremap_grow_maymove", new() { ["r"] = Error(q), ["touch_first"] = TouchIf(q) });
        var to = q.Value.Value;
        var smaps = Smaps(to); // the recording read it before the touch
        Row("mremap_grown_tail", new() { ["touch"] = Touch(to + Some, false, to), ["aligned"] = IsAligned(to, Align), ["smaps"] = smaps });
        Process.Munmap(new(to), new(Some + Align));
        p = MapSome(fd);
        q = Process.Mremap(new(p), new(Some), new(Some), Fixed, new(FarAway));
        Row("mremap_move_fixed_aligned", new() { ["r"] = Error(q), ["touch"] = TouchIf(q) });
        Process.Munmap(q.Value, new(Some));
        p = MapSome(fd);
        q = Process.Mremap(new(p), new(Some), new(Some), Fixed, new(FarAway + 4096));
        Row("mremap_move_fixed_4096", new() { ["r"] = Error(q), ["touch"] = TouchIf(q) });
        Row("munmap_moved_misaligned", new() { ["r"] = Error(Process.Munmap(q.Value, new(Some))) });
        p = MapSome(fd);
        q = Process.Mremap(new(p), new(Some), new(4096), RemapFlags.None);
        Row("mremap_shrink_4096", new() { ["r"] = Error(q), ["smaps"] = Smaps(p) });
        Process.Munmap(new(p), new(Some));
        p = MapSome(fd);
        q = Process.Mremap(new(p), new(0), new(Some), RemapFlags.MayMove);
        Row("mremap_old0_dup", new() { ["r"] = Error(q), ["touch"] = TouchIf(q) });
        Process.Munmap(q.Value, new(Some));
        Process.Munmap(new(p), new(Some));
        p = Mmap(fd, Some, ReadWrite).Value.Start.Value;
        q = Process.Mremap(new(p), new(Some), new(Some), RemapFlags.MayMove | RemapFlags.DontUnmap);
        Row("mremap_dontunmap", new() { ["r"] = Error(q) });
        Process.Munmap(q.Value, new(Some));
        Process.Munmap(new(p), new(Some));
    }

    private void PartialUnmaps(int fd)
    {
        foreach (var cut in (ulong[])[4096, Align / 2, Align])
        {
            var p = MapSome(fd);
            var r = Error(Process.Munmap(new(p), new(cut)));
            Row("munmap_head", new() { ["len"] = cut, ["of"] = Some, ["r"] = r, ["touch_first"] = Touch(p, false, p), ["touch_last"] = Touch(p + Some - 1, false, p) });
            Process.Munmap(new(p), new(Some));
            p = MapSome(fd);
            r = Error(Process.Munmap(new(p + Some - cut), new(cut)));
            Row("munmap_tail", new() { ["len"] = cut, ["of"] = Some, ["r"] = r, ["touch_last"] = Touch(p + Some - 1, false, p), ["smaps"] = Smaps(p) });
            Process.Munmap(new(p), new(Some));
        }
    }

    public void Unbind()
    {
        var fd = Process.Open("/dev/dax0.0", OpenFlags.ReadWrite).Value;
        var p = Mmap(fd, Size, ReadWrite).Value.Start.Value;
        Touch(p, true, p);
        var before = Touch(p, false, p);
        var unbound = Device.Disable();
        var smaps = Smaps(p);
        Row("unbind_while_mapped", new()
        {
            ["before"] = before,
            ["unbind"] = unbound.IsComplete ? "ok" : "waits",
            ["rd_after"] = Touch(p, false, p),
            ["wr_after"] = Touch(p, true, p),
            ["rd_untouched"] = Touch(p + Size - 1, false, p),
            ["smaps"] = smaps,
        });
        Row("mmap_on_old_fd_after_unbind", new() { ["r"] = Error(Mmap(fd, Align, Protection.Read)) });
        var again = Process.Open("/dev/dax0.0", OpenFlags.ReadWrite);
        Row("open_after_unbind", new() { ["r"] = Error(again) });
        Row("munmap_after_unbind", new() { ["r"] = Error(Process.Munmap(new(p), new(Size))) });
        Row("rebind", new() { ["r"] = Error(Region.AddDevice(new(0))) });
        Row("mmap_old_fd_after_rebind", new() { ["r"] = Error(Mmap(fd, Align, Protection.Read)) });
        Process.Close(fd);
        Row("open_after_rebind", new() { ["r"] = Error(Process.Open("/dev/dax0.0", OpenFlags.ReadWrite)) });
    }

    public void Poison()
    {
        var fd = Process.Open("/dev/dax0.0", OpenFlags.ReadWrite).Value;
        var p = Mmap(fd, Size, ReadWrite).Value.Start.Value;
        var o = Align == 4096 ? 3 * 4096UL : Align + (4096 * 3);
        Touch(p + o, true, p);
        var soft = Process.Madvise(new(p + o), new(4096), Advice.SoftOffline);
        Row("MADV_SOFT_OFFLINE", new() { ["r"] = Error(soft), ["touch"] = Touch(p + o, false, p) });
        var child = Process.Fork().Value;
        var signal = Process.PoisonPages(new(p + o), new(4096)).Value;
        Row("MADV_HWPOISON", new() { ["off"] = o, ["signal"] = $"{signal.Signal}/{signal.CodeName}", ["addr_off"] = signal.Address.Value - p, ["lsb"] = signal.AddressLsb });
        TouchRow("after_poison_same_page_rd", p + o, false, p);
        TouchRow("after_poison_same_page_wr", p + o, true, p);
        TouchRow("after_poison_same_unit_first_page_rd", p + (o / Align * Align), false, p);
        TouchRow("after_poison_next_page_rd", p + o + 4096, false, p);
        TouchRow("after_poison_other_unit_rd", o < Size - Align ? p + Size - 1 : p, false, p);
        Row("smaps", new() { ["s"] = Smaps(p + o) });
        Row("other_mapper_process", new() { ["state"] = child.HasExited ? "dead" : "alive", ["signal"] = child.TakeSignals().Count, ["exit"] = 0 });
        child.Exit();
        Process.Munmap(new(p), new(Size));
        p = Mmap(fd, Size, ReadWrite).Value.Start.Value;
        TouchRow("remap_rd_poisoned", p + o, false, p);
        TouchRow("remap_wr_poisoned", p + o, true, p);
        TouchRow("remap_rd_same_unit", p + (o / Align * Align), false, p);
        Row("syscall_read_of_poisoned", new() { ["r"] = Process.Access(new(p + o), DeviceDax.Faults.AccessKind.Read, 100).Result == DeviceDax.Faults.AccessResult.Ok ? "ok" : "EFAULT" });
        Process.Munmap(new(p), new(Size));
        p = Mmap(fd, Size, ReadWrite).Value.Start.Value;
        signal = Process.PoisonPages(new(p + o), new(4096)).Value;
        Row("MADV_HWPOISON_again", new() { ["signal"] = $"{signal.Signal}/{signal.CodeName}", ["lsb"] = signal.AddressLsb });
        Row("meminfo", new() { ["l"] = $"HardwareCorrupted:{Machine.HardwareCorrupted.Value >> 10,6} kB" });
    }

    private void TouchRow(string name, ulong address, bool isWrite, ulong start) =>
        Rows.Add((JsonObject)JsonNode.Parse(new JsonObject { ["name"] = name, ["t"] = Touch(address, isWrite, start) }.ToJsonString())!);
}
