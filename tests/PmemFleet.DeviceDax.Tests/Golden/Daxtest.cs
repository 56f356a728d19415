using System.Text.Json.Nodes;
using PmemFleet.DeviceDax.AddressSpaces;
using PmemFleet.DeviceDax.Devices;
using PmemFleet.DeviceDax.Faults;
using PmemFleet.DeviceDax.Machines;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.Tests.Golden;

/// <summary>The recording program's steps, made against the engine, in the recording's own JSON.</summary>
internal sealed partial class Daxtest
{
    public Daxtest(PageGranule granule, ulong mmapBase)
    {
        Align = granule.Bytes();
        // 64 MiB of a namespace at 4 GiB, or 3 GiB of it for pages of 1 GiB: the data begin behind the struct pages, rounded to the alignment.
        (Size, DataStart) = granule == PageGranule.Pud ? (2UL << 30, 0x1_4000_0000UL) : (65011712UL, 0x1_0020_0000UL);
        Machine = new Machine();
        Region = Machine.AddRegion(new(0, new(new(DataStart), new(Size)), granule)).Value;
        Device = Region.AddDevice(new(0)).Value;
        Process = Start(mmapBase);
    }

    public Machine Machine { get; }

    public DaxRegion Region { get; }

    public DaxDevice Device { get; }

    public Process Process { get; private set; }

    public ulong Align { get; }

    public ulong Size { get; }

    public ulong DataStart { get; }

    public List<JsonObject> Rows { get; } = [];

    public Process Start(ulong mmapBase) =>
        Process = Machine.StartProcess("daxtest", ProcessImage.Static, AddressSpaceLayout.WithoutRandomisation.MappingsBelow(new(mmapBase)));

    public static string Error<T>(Outcome<T> outcome)
        where T : notnull => outcome.Refusal?.Errno.ToString() ?? "ok";

    public Outcome<Mapping> Mmap(int fd, ulong length, Protection protection, MapFlags flags = MapFlags.Shared, ulong offset = 0, ulong address = 0) =>
        Process.Mmap(new(length, protection, flags, fd, offset) { Address = address });

    public JsonObject Touch(ulong address, bool isWrite, ulong start, Process? by = null)
    {
        var outcome = (by ?? Process).Access(new(address), isWrite ? AccessKind.Write : AccessKind.Read);
        if (outcome.Result == AccessResult.Ok)
        {
            return new() { ["r"] = "ok", ["minflt"] = outcome.MinorFaults, ["majflt"] = 0 };
        }

        return new()
        {
            ["r"] = $"{outcome.Signal.Signal}/{outcome.Signal.CodeName}",
            ["addr_off"] = (long)(outcome.Signal.Address.Value - start),
            ["lsb"] = outcome.Signal.AddressLsb ?? -1,
            ["minflt"] = outcome.MinorFaults,
            ["majflt"] = 0,
        };
    }

    public JsonObject? Smaps(ulong address, Process? of = null)
    {
        var entry = (of ?? Process).Smaps().FirstOrDefault(s => s.Start.Value <= address && address < s.End.Value);
        if (entry is null)
        {
            return null;
        }

        var json = new JsonObject
        {
            ["perms"] = entry.Permissions,
            ["len"] = entry.End.Value - entry.Start.Value,
            ["offset"] = entry.Offset,
            ["KernelPageSize"] = entry.PageSize.Value >> 10,
            ["MMUPageSize"] = entry.PageSize.Value >> 10,
            ["Rss"] = entry.Rss.Value >> 10,
        };
        if (entry.Rss.Value > 0)
        {
            json["Pss"] = entry.Rss.Value >> 10;
            json["Referenced"] = entry.Rss.Value >> 10;
        }

        if (entry.PrivateDirty.Value > 0)
        {
            json["Private_Dirty"] = entry.PrivateDirty.Value >> 10;
        }

        json["THPeligible"] = 0;
        json["VmFlags"] = entry.VmFlags;
        return json;
    }

    public long VmPte(Process? of = null) => (of ?? Process).PageTables.VmPteBytes >> 10;

    public void Row(string name, JsonObject row)
    {
        row["name"] = name;
        Rows.Add((JsonObject)JsonNode.Parse(row.ToJsonString())!);
    }

    private static bool IsAligned(ulong address, ulong align) => (address & (0 - address)) >= align;
}
