using System.Text.Json.Nodes;
using PmemFleet.DeviceDax.AddressSpaces;
using PmemFleet.DeviceDax.Files;

namespace PmemFleet.DeviceDax.Tests.Golden;

internal sealed partial class Daxtest
{
    /// <summary>One row of the matrix: open, map, touch first and last byte, unmap.</summary>
    public JsonObject Matrix(JsonObject asked)
    {
        var flags = (string)asked["flags"]! switch
        {
            "SHARED" => MapFlags.Shared,
            "PRIVATE" => MapFlags.Private,
            "SHARED_VALIDATE" => MapFlags.SharedValidate,
            "SHARED_VALIDATE|SYNC" => MapFlags.SharedValidate | MapFlags.Sync,
            "SHARED|NORESERVE" => MapFlags.Shared | MapFlags.NoReserve,
            "PRIVATE|NORESERVE" => MapFlags.Private | MapFlags.NoReserve,
            "SHARED|SYNC" => MapFlags.Shared | MapFlags.Sync,
            var other => throw new InvalidOperationException(other),
        };
        var protection = (string)asked["prot"]! == "RW" ? Protection.Read | Protection.Write : Protection.Read;
        var row = (JsonObject)JsonNode.Parse(asked.ToJsonString())!;
        foreach (var member in row.Select(p => p.Key).Where(k => k is not ("t" or "open" or "flags" or "prot" or "len" or "off")).ToList())
        {
            row.Remove(member);
        }

        var fd = Process.Open("/dev/dax0.0", (string)asked["open"]! == "O_RDWR" ? OpenFlags.ReadWrite : OpenFlags.ReadOnly).Value;
        var before = VmPte();
        var length = (ulong)asked["len"]!;
        var mapped = Mmap(fd, length, protection, flags, (ulong)asked["off"]!);
        row["mmap"] = Error(mapped);
        if (mapped.IsOk)
        {
            var start = mapped.Value.Start.Value;
            var rounded = (length + 4095) & ~4095UL;
            row["addr_aligned"] = IsAligned(start, Align);
            row["smaps0"] = Smaps(start);
            row["rd_first"] = Touch(start, false, start);
            row["rd_last"] = Touch(start + rounded - 1, false, start);
            row["wr_first"] = Touch(start, true, start);
            row["wr_last"] = Touch(start + rounded - 1, true, start);
            row["smaps1"] = Smaps(start);
            row["vmpte0"] = before;
            row["vmpte1"] = VmPte();
            row["munmap"] = Error(Process.Munmap(new(start), new(rounded)));
        }

        Process.Close(fd);
        return (JsonObject)JsonNode.Parse(row.ToJsonString())!;
    }
}
