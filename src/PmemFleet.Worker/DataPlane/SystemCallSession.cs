using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Processes;
using PmemFleet.DeviceDax.AddressSpaces;
using PmemFleet.DeviceDax.Faults;
using PmemFleet.DeviceDax.Files;
using PmemFleet.DeviceDax.Primitives;
using PmemFleet.Nvdimm.Badblocks;
using PmemFleet.Worker.Hosts;

namespace PmemFleet.Worker.DataPlane;

/// <summary>System calls of a process beyond mmap, in the wire's form.</summary>
internal static class SystemCallSession
{
    private const ulong MostPinned = 64UL << 20;
    private const long MachineCheckLine = 64;
    private static readonly string[] OnMemory = ["munmap", "mprotect", "mremap", "madvise", "msync", "mlock", "mincore", "pin", "dma", "copy"];
    private static readonly string[] OnDescriptors = ["close", "read", "write", "lseek", "fsync", "fallocate", "ftruncate", "ioctl", "fadvise"];

    private static readonly Dictionary<string, OpenFlags> Opens = new(StringComparer.Ordinal)
    {
        ["rdonly"] = OpenFlags.ReadOnly,
        ["wronly"] = OpenFlags.WriteOnly,
        ["rdwr"] = OpenFlags.ReadWrite,
        ["creat"] = OpenFlags.Create,
        ["excl"] = OpenFlags.Exclusive,
        ["trunc"] = OpenFlags.Truncate,
        ["append"] = OpenFlags.Append,
        ["nonblock"] = OpenFlags.NonBlocking,
        ["direct"] = OpenFlags.Direct,
        ["sync"] = OpenFlags.Sync,
        ["directory"] = OpenFlags.Directory,
        ["path"] = OpenFlags.Path,
    };

    private static readonly Dictionary<string, RemapFlags> Remaps = new(StringComparer.Ordinal)
    {
        ["maymove"] = RemapFlags.MayMove,
        ["fixed"] = RemapFlags.Fixed,
        ["dontunmap"] = RemapFlags.DontUnmap,
    };

    private static readonly Dictionary<string, SyncFlags> Syncs = new(StringComparer.Ordinal)
    {
        ["async"] = SyncFlags.Async,
        ["invalidate"] = SyncFlags.Invalidate,
        ["sync"] = SyncFlags.Sync,
    };

    private static readonly Dictionary<string, Advice> Advices = Enum.GetValues<Advice>().ToDictionary(NameOf, StringComparer.Ordinal);

    public static Answer<SystemCallDto> Run(LiveHost host, int pid, CreateSystemCallRequest request)
    {
        if (host.Machine!.FindProcess(pid) is not { } process)
        {
            return ProcessSession.Missing(pid);
        }

        var logged = host.Machine.KernelLog.Count;
        var answer = Dispatch(host, process, request);
        return answer.Value is { } value ? value with { Messages = [.. host.Machine.KernelLog.Skip(logged)] } : answer;
    }

    public static Answer<SmapsDto> Smaps(LiveHost host, int pid) => host.Machine!.FindProcess(pid) is not { } process ? ProcessSession.Missing(pid) : new SmapsDto
    {
        Pid = pid,
        Entries = [.. process.Smaps().Select(entry => new SmapsEntryDto
        {
            Start = entry.Start.ToString(),
            End = entry.End.ToString(),
            Permissions = entry.Permissions,
            Offset = (long)entry.Offset,
            Inode = entry.Inode,
            Path = entry.Path,
            Size = (long)(entry.End.Value - entry.Start.Value),
            PageSize = (long)entry.PageSize.Value,
            Rss = (long)entry.Rss.Value,
            PrivateDirty = (long)entry.PrivateDirty.Value,
            VmFlags = entry.VmFlags,
        })],
    };

    private static Answer<SystemCallDto> Dispatch(LiveHost host, Process process, CreateSystemCallRequest request)
    {
        switch (request.Call)
        {
            case "open":
                return MappingSession.Union(Opens, request.Flags ?? ["rdwr"], "flags", out var open) is { } bad ? bad
                    : Show(request, process.Open(request.Path ?? string.Empty, open), fd => fd);
            case "unpin":
                return host.Pins.Put(process.Pid, request.Pin ?? 0) ? Value(request, 0) : Refusals.NotFound($"pin {request.Pin} of process {process.Pid}") with { Subject = "pin" };
            case { } call when OnDescriptors.Contains(call):
                return request.Descriptor is { } descriptor ? OnDescriptor(process, request, descriptor)
                    : Refusals.Of("EBADF", "no-descriptor", "The call needs a descriptor.") with { Subject = "descriptor" };
            case { } call when OnMemory.Contains(call):
                return Locate(host, process, request, out var address, out var length) is { } nowhere ? nowhere : InMemory(host, process, request, address, length);
            default:
                return Refusals.Of("ENOSYS", "unknown-call", $"There is no call '{request.Call}' here.") with
                {
                    Subject = "call",
                    Allowed = [.. OnMemory, "open", .. OnDescriptors, "unpin"],
                };
        }
    }

    private static Answer<SystemCallDto> OnDescriptor(Process process, CreateSystemCallRequest request, int descriptor) => request.Call switch
    {
        "close" => Show(request, process.Close(descriptor)),
        "read" => Show(request, process.Read(descriptor), read => (long)read.Value),
        "write" => Show(request, process.Write(descriptor), written => (long)written.Value),
        "lseek" => Show(request, process.Seek(descriptor, request.Whence ?? 0), position => position),
        "fsync" => Show(request, process.Fsync(descriptor)),
        "fallocate" => Show(request, process.Fallocate(descriptor)),
        "ftruncate" => Show(request, process.Ftruncate(descriptor)),
        "ioctl" => Show(request, process.Ioctl(descriptor)),
        _ => Show(request, process.Fadvise(descriptor)),
    };

    private static Answer<SystemCallDto> InMemory(LiveHost host, Process process, CreateSystemCallRequest request, VirtualAddress address, ByteCount length)
    {
        RefusalDto? bad;
        switch (request.Call)
        {
            case "munmap":
                return Show(request, process.Munmap(address, length));
            case "mprotect":
                bad = MappingSession.Union(MappingSession.Protections, request.Protection ?? [], "protection", out var protection);
                return bad is null ? Show(request, process.Mprotect(address, length, protection)) : bad;
            case "mremap":
                return Remap(process, request, address, length);
            case "madvise":
                return request.Advice is { } name && Advices.TryGetValue(name, out var advice)
                    ? Show(request, process.Madvise(address, length, advice))
                    : Refusals.Of("EINVAL", "unknown-advice", $"There is no advice '{request.Advice}'.") with { Subject = "advice", Allowed = [.. Advices.Keys] };
            case "msync":
                bad = MappingSession.Union(Syncs, request.Flags ?? ["sync"], "flags", out var sync);
                return bad is null ? Show(request, process.Msync(address, length, sync)) : bad;
            case "mlock":
                return Show(request, process.Mlock(address, length));
            case "mincore":
                return Show(request, process.Mincore(address, length), resident => (long)resident.Value);
            case "dma":
                return Dma(host, process, request, address, length);
            case "copy":
                return Copy(host, process, request, address, length);
            default:
                return Pin(host, process, request, address, length);
        }
    }

    /// <summary>Pinned, moved and unpinned. A device that writes memory loads nothing, and clears nothing either (spec 60 section 3).</summary>
    private static Answer<SystemCallDto> Dma(LiveHost host, Process process, CreateSystemCallRequest request, VirtualAddress address, ByteCount length)
    {
        if (TooLongToPin(length) is { } tooLong)
        {
            return tooLong;
        }

        if (!process.Pin(address, length, request.Write ? AccessKind.Write : AccessKind.Read).TryGet(out var pin, out var refusal))
        {
            return refusal.ToDto();
        }

        using (pin)
        {
            PhysicalAddress? poisoned = null;
            var moved = request.Write ? default(Done) : process.DeviceRead(pin, address.Value & (PageGranules.PageBytes - 1), length, out poisoned);
            return MakeKnown(host, poisoned) ? moved.Refusal!.ToDto() : Value(request, (long)length.Value);
        }
    }

    private static Answer<SystemCallDto> Copy(LiveHost host, Process process, CreateSystemCallRequest request, VirtualAddress address, ByteCount length)
    {
        if (TooLongToPin(length) is { } tooLong)
        {
            return tooLong;
        }

        var copied = process.KernelCopy(address, length, out var poisoned);
        if (MakeKnown(host, poisoned))
        {
            var granule = process.Mappings.FirstOrDefault(mapping => mapping.Start.Value <= address.Value && address.Value < mapping.End.Value)?.Device?.Granule ?? PageGranule.Pte;
            host.MarkPoisoned((long)poisoned!.Value.Value, (long)granule.Bytes());
        }

        return Show(request, copied, bytes => (long)bytes.Value);
    }

    private static bool MakeKnown(LiveHost host, PhysicalAddress? poisoned)
    {
        if (poisoned is not { } at)
        {
            return false;
        }

        host.MakeKnown(new ByteRange((long)at.Value / MachineCheckLine * MachineCheckLine, MachineCheckLine));
        return true;
    }

    private static RefusalDto? TooLongToPin(ByteCount length) => length.Value is > 0 and <= MostPinned
        ? null
        : Refusals.Of("EINVAL", "pin-length", "A request moves 1 byte to 64 MiB.", ("length", (long)length.Value), ("most", (long)MostPinned)) with { Subject = "length" };

    private static Answer<SystemCallDto> Remap(Process process, CreateSystemCallRequest request, VirtualAddress address, ByteCount length)
    {
        var target = 0UL;
        if (request.NewAddress is { } text && !MappingSession.TryParseAddress(text, out target))
        {
            return Refusals.Of("EINVAL", "malformed-address", "An address is 0x… or decimal.") with { Subject = "newAddress" };
        }

        if (MappingSession.Union(Remaps, request.Flags ?? [], "flags", out var flags) is { } bad)
        {
            return bad;
        }

        var wanted = request.NewLength is { } given ? new ByteCount((ulong)given.Value) : length;
        return process.Mremap(address, length, wanted, flags, new(target)).TryGet(out var moved, out var refusal)
            ? Value(request, 0) with { Address = moved.ToString() }
            : refusal.ToDto();
    }

    private static Answer<SystemCallDto> Pin(LiveHost host, Process process, CreateSystemCallRequest request, VirtualAddress address, ByteCount length)
    {
        if (length.Value > MostPinned)
        {
            return Refusals.Of("EINVAL", "pin-length", "A request pins at most 64 MiB.", ("length", (long)length.Value), ("most", (long)MostPinned)) with { Subject = "length" };
        }

        if (!process.Pin(address, length, request.Write ? AccessKind.Write : AccessKind.Read).TryGet(out var pin, out var refusal))
        {
            return refusal.ToDto();
        }

        return Value(request, host.Pins.Add(process.Pid, pin)) with { Pages = [.. pin.Pages.Take(1000).Select(page => page.ToString())] };
    }

    private static RefusalDto? Locate(LiveHost host, Process process, CreateSystemCallRequest request, out VirtualAddress address, out ByteCount length)
    {
        (address, length) = (default, new((ulong)(request.Length?.Value ?? 0)));
        if (request.Mapping is { } id)
        {
            if (MappingSession.Find(host, process.Pid, id, out _, out var mapping) is { } missing)
            {
                return missing with { Subject = "mapping" };
            }

            var offset = (ulong)(request.Offset?.Value ?? 0);
            address = new(mapping!.Start.Value + offset);
            length = request.Length is null ? new(mapping.Length.Value - Math.Min(offset, mapping.Length.Value)) : length;
            return null;
        }

        if (request.Address is not { } text || !MappingSession.TryParseAddress(text, out var value))
        {
            return Refusals.Of("EINVAL", "malformed-address", "Give an address (0x…) or a mapping.") with { Subject = "address" };
        }

        address = new(value);
        return null;
    }

    private static Answer<SystemCallDto> Show<T>(CreateSystemCallRequest request, Outcome<T> outcome, Func<T, long>? value = null)
        where T : notnull => outcome.TryGet(out var result, out var refusal) ? Value(request, value?.Invoke(result) ?? 0) : refusal.ToDto();

    private static SystemCallDto Value(CreateSystemCallRequest request, long value) => new() { Call = request.Call!, Value = value, Messages = [] };

    /// <summary>Linux's name: MADV_POPULATE_READ is populate_read, but MADV_DONTNEED is dontneed.</summary>
    private static string NameOf(Advice advice) => advice switch
    {
        Advice.PopulateRead => "populate_read",
        Advice.PopulateWrite => "populate_write",
        Advice.DontNeedLocked => "dontneed_locked",
        Advice.SoftOffline => "soft_offline",
        _ => advice.ToString().ToLowerInvariant(),
    };
}
