using System.Globalization;
using System.Text.Json.Nodes;
using PmemFleet.DeviceDax.Devices;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.Tests.Golden;

/// <summary>Golden group i: daxctl on a pmem dax device, step by step as it was recorded.</summary>
public class DaxctlTests
{
    // Not about a device: tools that write files, sysfs listings of files, and steps of ndctl that only set the scene.
    private static readonly string[] NotExpressible = ["daxctl split-acpi", "daxctl migrate-device-model", "S=/sys/bus/dax", "ls -d", "cat /sys", "echo"];

    [Fact]
    public void Replay_EveryStep_AgreesWithDaxctl()
    {
        DaxBinding? device = null;
        var (replayed, left) = (0, new List<string>());
        foreach (var step in GoldenRows.Read("i_kmem"))
        {
            var command = (string)step["cmd"]!;
            var expected = (int)step["rc"]! switch { 0 or 1 => 0, var rc => 256 - rc };
            if (command.StartsWith("ndctl create-namespace", StringComparison.Ordinal))
            {
                // the data begins behind the info block, or behind the struct pages with map=dev
                var size = (ulong)step["stdout"]!["size"]!;
                device = new("dax0.0", new(new(0x1_0000_0000 + (512 * ByteCount.MiB) - size), new(size)));
                continue;
            }

            if (command.StartsWith("ndctl destroy-namespace", StringComparison.Ordinal) || command.StartsWith("ndctl disable-namespace", StringComparison.Ordinal))
            {
                Assert.True(device!.RefuseUnbind() is null, command);
                device = null;
                continue;
            }

            if (Run(command, device) is not { } outcome)
            {
                left.Add(command);
                continue;
            }

            replayed++;
            Assert.True(expected == (int)(outcome.Refusal?.Errno ?? 0), $"{step["seq"]} {command}: {outcome.Refusal?.Errno} {expected}");
            device = outcome.Device ?? device;
            Compare(step["stdout"], device, $"{step["seq"]} {command}");
        }

        Assert.All(left, command => Assert.Contains(NotExpressible, command.StartsWith));
        Assert.Equal((36, 3), (replayed, left.Count));
    }

    private sealed record Result(DaxBinding? Device, Refusal? Refusal);

    private static Result? Run(string command, DaxBinding? device)
    {
        var words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (command.Contains("dax9.9", StringComparison.Ordinal) || words[0] is "snap" or "grep" || command.StartsWith("daxctl list", StringComparison.Ordinal) || command.StartsWith("ndctl list", StringComparison.Ordinal))
        {
            return new(device, null);
        }

        if (words[0] != "daxctl" || NotExpressible.Any(command.StartsWith))
        {
            return null;
        }

        if (words[1] == "create-device")
        {
            return new(null, DaxBinding.Create(0));
        }

        if (device is null || words[^1] != device.Name)
        {
            return new(null, new(Errno.ENXIO, "no-dax-device", "There is no such device."));
        }

        return words[1] switch
        {
            "destroy-device" => new(null, device.Reshape("size", words.Contains("-f"))),
            "disable-device" => Of(device.Disable()),
            "enable-device" => Of(device.Enable()),
            "online-memory" => Of(device.OnlineMemory()),
            "offline-memory" => Of(device.OfflineMemory()),
            _ when words.Contains("-s") => new(null, device.Reshape("size", false)),
            _ when words.Contains("-a") => new(null, device.Reshape("align", false)),
            _ when words.Contains("system-ram") => Of(device.ToSystemRam(!words.Contains("-N"))),
            _ => Of(device.ToDevdax(words.Contains("-f"))),
        };
    }

    private static Result Of(Outcome<DaxBinding> outcome) => outcome.TryGet(out var device, out var refusal) ? new(device, null) : new(null, refusal);

    private static Result Of((DaxBinding After, Refusal? Refusal) ended) => new(ended.After, ended.Refusal);

    private static void Compare(JsonNode? printed, DaxBinding? device, string step)
    {
        foreach (var listed in Listed(printed))
        {
            Assert.NotNull(device);
            Assert.True((string?)listed["mode"] == (device.IsSystemRam ? "system-ram" : "devdax"), step);
            Assert.True((int?)listed["online_memblocks"] == (device.IsSystemRam ? device.OnlineBlocks : null), step);
            Assert.True((int?)listed["total_memblocks"] == (device.IsSystemRam ? device.WholeBlocks : null), step);
            Assert.True((bool?)listed["movable"] == (device.OnlineBlocks > 0 ? true : null), step);
            Assert.True((string?)listed["state"] == (device.Driver == DaxDriver.None ? "disabled" : null), step);
        }

        var memory = printed is JsonObject { } snap && snap["iomem"] is JsonArray lines ? lines.Select(line => (string)line!).ToList()
            : printed is JsonValue text && text.TryGetValue<string>(out var all) ? [.. all.Split('\n')] : [];
        if (memory.Find(line => line.EndsWith(" : System RAM (kmem)", StringComparison.Ordinal)) is { } ram)
        {
            Assert.Equal(string.Create(CultureInfo.InvariantCulture, $"    {device!.WholeRange.Start.Value:x}-{device.WholeRange.End.Value - 1:x} : System RAM (kmem)"), ram);
        }
        else if (memory.Count > 0)
        {
            Assert.False(device?.Driver == DaxDriver.Kmem, step);
        }
    }

    private static IEnumerable<JsonNode> Listed(JsonNode? printed) => printed switch
    {
        JsonArray array => array.SelectMany(Listed),
        JsonObject one when one.ContainsKey("chardev") => [one],
        JsonObject one => one.Where(member => member.Key is "devices" or "daxctl").SelectMany(member => Listed(member.Value)),
        _ => [],
    };

    /// <summary>Golden y_lists C18: the status commands are of devdax mode; the namespace below goes once the memory is offline.</summary>
    [Fact]
    public void DisableAndEnable_OfSystemRam_AreNotApplicableOnlineOrOffline()
    {
        var ram = new DaxBinding("dax0.0", new(new(0x1_0000_0000), new(ByteCount.GiB))).ToSystemRam(true).After;
        Assert.Equal(8, ram.OnlineBlocks);
        Assert.Equal(Errno.EBUSY, ram.RefuseUnbind()!.Errno);
        Assert.Equal(Errno.EBUSY, ram.ToDevdax(false).Refusal!.Errno);
        var offline = ram.OfflineMemory().Value;
        Assert.Null(offline.RefuseUnbind());
        foreach (var binding in (DaxBinding[])[ram, offline])
        {
            Assert.Equal(Errno.ENXIO, binding.Disable().Refusal!.Errno);
            Assert.Equal(Errno.ENXIO, binding.Enable().Refusal!.Errno);
        }

        Assert.Equal(DaxDriver.DeviceDax, ram.ToDevdax(true).Value.Driver);
    }

    [Theory]
    [InlineData(0x1_0020_0000, 200)]
    [InlineData(0x1_0000_0000, 127)]
    public void SystemRam_WithoutAWholeBlock_LeavesTheDeviceDisabled(ulong start, ulong mebibytes)
    {
        var (after, refusal) = new DaxBinding("dax0.0", new(new(start), new(mebibytes * ByteCount.MiB))).ToSystemRam(true);

        Assert.Equal(Errno.EINVAL, refusal!.Errno);
        Assert.Equal((DaxDriver.None, false), (after.Driver, after.IsSystemRam));
        Assert.Equal(DaxDriver.DeviceDax, after.Enable().Value.Driver);
    }
}
