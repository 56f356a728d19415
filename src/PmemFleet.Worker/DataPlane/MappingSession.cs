using System.Globalization;
using PmemFleet.Contracts.DataPlane;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Processes;
using PmemFleet.DeviceDax.AddressSpaces;
using PmemFleet.DeviceDax.Files;
using PmemFleet.DeviceDax.Primitives;
using PmemFleet.Worker.Hosts;

namespace PmemFleet.Worker.DataPlane;

/// <summary>Mappings of a process, in the wire's form.</summary>
internal static class MappingSession
{
    private static readonly Dictionary<string, MapFlags> Flags = new(StringComparer.Ordinal)
    {
        ["shared"] = MapFlags.Shared,
        ["private"] = MapFlags.Private,
        ["shared_validate"] = MapFlags.SharedValidate,
        ["fixed"] = MapFlags.Fixed,
        ["fixed_noreplace"] = MapFlags.FixedNoReplace,
        ["noreserve"] = MapFlags.NoReserve,
        ["sync"] = MapFlags.Sync,
        ["populate"] = MapFlags.Populate,
        ["locked"] = MapFlags.Locked,
    };

    internal static readonly Dictionary<string, Protection> Protections = new(StringComparer.Ordinal)
    {
        ["none"] = Protection.None,
        ["read"] = Protection.Read,
        ["write"] = Protection.Write,
        ["exec"] = Protection.Exec,
    };

    private static readonly Dictionary<string, OpenFlags> OpenModes = new(StringComparer.Ordinal)
    {
        ["rdonly"] = OpenFlags.ReadOnly,
        ["wronly"] = OpenFlags.WriteOnly,
        ["rdwr"] = OpenFlags.ReadWrite,
    };

    /// <summary>open, mmap, close: the mapping keeps the file.</summary>
    public static Answer<MappingDto> Create(LiveHost host, int pid, CreateMappingRequest request)
    {
        if (host.Machine!.FindProcess(pid) is not { } process)
        {
            return ProcessSession.Missing(pid);
        }

        if (Parse(request, out var call, out var open) is { } malformed)
        {
            return malformed;
        }

        if (!process.Open($"/dev/{request.Device}", open).TryGet(out var descriptor, out var refusal))
        {
            return refusal.ToDto() with { Subject = "device" };
        }

        var made = process.Mmap(call with { Descriptor = descriptor });
        process.Close(descriptor);
        return made.TryGet(out var mapping, out refusal) ? Show(process, host.Mappings.Add(process, mapping), mapping) : refusal.ToDto();
    }

    public static Answer<ListPage<MappingDto>> List(LiveHost host, int pid) => host.Machine!.FindProcess(pid) is { } process
        ? new ListPage<MappingDto> { Items = [.. host.Mappings.Of(process, refresh: true).Select(pair => Show(process, pair.Key, pair.Value))] }
        : ProcessSession.Missing(pid);

    public static Answer<MappingDto> Get(LiveHost host, int pid, int id) =>
        Find(host, pid, id, out var process, out var mapping) is { } missing ? missing : Show(process!, id, mapping!);

    public static Answer<Acknowledged> Unmap(LiveHost host, int pid, int id)
    {
        if (Find(host, pid, id, out var process, out var mapping) is { } missing)
        {
            return missing;
        }

        return process!.Munmap(mapping!.Start, mapping.Length).TryGet(out _, out var refusal) ? new Acknowledged() : refusal.ToDto();
    }

    public static Answer<MappingDto> Protect(LiveHost host, int pid, int id, ProtectMappingRequest request)
    {
        if (Find(host, pid, id, out var process, out var mapping) is { } missing)
        {
            return missing;
        }

        if (Union(Protections, request.Protection ?? [], "protection", out var protection) is { } malformed)
        {
            return malformed;
        }

        return process!.Mprotect(mapping!.Start, mapping.Length, protection).TryGet(out _, out var refusal) ? Show(process, id, mapping) : refusal.ToDto();
    }

    /// <summary>The mapping of a number, or the refusal.</summary>
    public static RefusalDto? Find(LiveHost host, int pid, int id, out Process? process, out Mapping? mapping)
    {
        mapping = null;
        process = host.Machine!.FindProcess(pid);
        if (process is null)
        {
            return ProcessSession.Missing(pid);
        }

        return host.Mappings.Of(process, refresh: true).TryGetValue(id, out mapping) ? null : Refusals.NotFound($"mapping {id} of process {pid}");
    }

    /// <summary>An address as clients write it: 0x… or decimal.</summary>
    public static bool TryParseAddress(string text, out ulong address) => text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
        ? ulong.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out address)
        : ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out address);

    private static RefusalDto? Parse(CreateMappingRequest request, out MmapRequest call, out OpenFlags open)
    {
        (call, open) = (default, OpenFlags.ReadWrite);
        var address = 0UL;
        if (request.Address is { } text && !TryParseAddress(text, out address))
        {
            return Refusals.Of("EINVAL", "malformed-address", "An address is 0x… or decimal.") with { Subject = "address" };
        }

        if (request.OpenMode is { } mode && !OpenModes.TryGetValue(mode, out open))
        {
            return Unknown("openMode", mode, OpenModes.Keys);
        }

        var refused = Union(Protections, request.Protection ?? ["read", "write"], "protection", out var protection);
        refused ??= Union(Flags, request.Flags ?? ["shared"], "flags", out var flags) ?? Set(out call, request, protection, flags, address);
        return refused;
    }

    private static RefusalDto? Set(out MmapRequest call, CreateMappingRequest request, Protection protection, MapFlags flags, ulong address)
    {
        // flags that only add to a type, such as ["fixed"], mean a shared mapping
        if ((flags & MapFlags.SharedValidate) == 0)
        {
            flags |= MapFlags.Shared;
        }

        call = new MmapRequest((ulong)(request.Length?.Value ?? 0), protection, flags, -1, (ulong)(request.Offset?.Value ?? 0)) { Address = address, DontFork = request.DontFork };
        return null;
    }

    internal static RefusalDto? Union<T>(Dictionary<string, T> values, IReadOnlyList<string> names, string subject, out T union)
        where T : struct, Enum
    {
        var bits = 0L;
        union = default;
        foreach (var name in names)
        {
            if (!values.TryGetValue(name, out var value))
            {
                return Unknown(subject, name, values.Keys);
            }

            bits |= Convert.ToInt64(value, CultureInfo.InvariantCulture);
        }

        union = (T)Enum.ToObject(typeof(T), bits);
        return null;
    }

    private static RefusalDto Unknown(string subject, string given, IEnumerable<string> allowed) =>
        Refusals.Of("EINVAL", "unknown-value", $"'{given}' is not a value of {subject}.") with { Subject = subject, Allowed = [.. allowed] };

    private static MappingDto Show(Process process, int id, Mapping mapping) => new()
    {
        Id = id,
        Pid = process.Pid,
        Device = mapping.Device!.Name,
        Start = mapping.Start.ToString(),
        End = mapping.End.ToString(),
        Length = (long)mapping.Length.Value,
        Offset = (long)(mapping.PageOffset << PageGranules.PageShift),
        Protection = [.. Protections.Where(pair => pair.Value != Protection.None && mapping.Flags.HasFlag(ToVm(pair.Value))).Select(pair => pair.Key)],
        VmFlags = mapping.Flags.ToSmaps(),
        PageSize = (long)mapping.Device.Align.Value,
        PresentBytes = process.PresentPages(mapping) * (long)mapping.Device.Align.Value,
    };

    private static VmFlags ToVm(Protection protection) => protection switch
    {
        Protection.Read => DeviceDax.AddressSpaces.VmFlags.Read,
        Protection.Write => DeviceDax.AddressSpaces.VmFlags.Write,
        _ => DeviceDax.AddressSpaces.VmFlags.Exec,
    };
}
