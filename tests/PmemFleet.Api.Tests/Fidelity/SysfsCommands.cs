using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace PmemFleet.Api.Tests.Fidelity;

/// <summary>Shell lines that read and write sysfs attributes, where a REST resource has the attribute as a member.</summary>
/// <param name="machine">The host.</param>
/// <param name="tool">Runs a command of ndctl that stands on the same line. A list is compared, other answers are not.</param>
internal sealed partial class SysfsCommands(RecordedMachine machine, Func<JsonNode, ToolLine, Task<StepResult>> tool)
{
    private const string Devices = "/sys/bus/nd/devices/";
    private const string NoSysfs = "a sysfs attribute that no REST resource has";

    /// <summary>Null: not a line of sysfs.</summary>
    public async Task<StepResult?> RunAsync(JsonNode golden, string line)
    {
        if (Renames().Match(line) is { Success: true } renames)
        {
            return await RenameAsync(golden, line, int.Parse(renames.Groups[1].Value, CultureInfo.InvariantCulture));
        }

        var parts = Quiet().Replace(line, "").Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (!parts.All(part => Echo().IsMatch(part) || Cat().IsMatch(part) || ToolLine.Parse(part) is not null))
        {
            return line.Contains("/sys/", StringComparison.Ordinal) ? StepResult.Without(NoSysfs) : null;
        }

        var shown = new List<string>();
        var errors = new List<string>();
        var unknown = false;
        var listed = StepResult.Agrees;
        var printed = golden["stdout"];
        foreach (var part in parts)
        {
            if (Echo().Match(part) is { Success: true } echo)
            {
                var answer = await WriteAsync(golden, echo.Groups[2].Value, echo.Groups[1].Value.Trim('\'', '"'));
                unknown |= answer is null;
                if (answer is { IsSuccess: false })
                {
                    errors.Add(ErrnoNumbers.Text(answer.Errno));
                }
            }
            else if (Cat().IsMatch(part))
            {
                foreach (var path in part.Split(' ')[1..].SelectMany(Expand))
                {
                    var (known, text) = await ReadAsync(path);
                    unknown |= !known;
                    if (text is not null)
                    {
                        shown.Add(text);
                    }
                }
            }
            else
            {
                var command = ToolLine.Parse(part)!;
                var (first, behind) = RecordedJson.FirstPrinted(printed);
                var alone = new JsonObject { ["rc"] = 0, ["stdout"] = first?.DeepClone(), ["stderr"] = new JsonArray() };
                var answer = await tool(alone, command);
                unknown |= answer.PassedOver is not null;
                if (command.Verb == "list")
                {
                    (listed, printed) = (listed.And(answer), behind);
                }
            }
        }

        if (unknown)
        {
            return StepResult.Without(NoSysfs);
        }

        var expectedErrors = golden["stderr"]!.AsArray().Select(text => (string)text!)
            .Where(text => text.Contains("write error", StringComparison.Ordinal))
            .Select(text => text[(text.LastIndexOf(": ", StringComparison.Ordinal) + 2)..]);
        return listed.And(StepResult.Compare(string.Join('|', Lines(printed)), string.Join('|', shown.Where(text => text.Length > 0))))
            .And(StepResult.Compare("errors " + string.Join('|', expectedErrors), "errors " + string.Join('|', errors)));
    }

    /// <summary>A loop that writes new uuids to namespaces, and at its end the free label slots.</summary>
    private async Task<StepResult> RenameAsync(JsonNode golden, string line, int times)
    {
        var devices = UuidFile().Matches(line).Select(match => match.Groups[1].Value).ToArray();
        for (var round = 0; round < times; round++)
        {
            foreach (var device in devices)
            {
                await machine.PatchAsync($"/namespaces/{device}", $$"""{"uuid":"{{Guid.NewGuid()}}"}""");
            }
        }

        var dimm = await machine.GetAsync("/dimms/nmem0");
        return StepResult.Compare(golden["stdout"]!.ToString(), dimm.Body!["availableSlots"]!.ToString());
    }

    private static IEnumerable<string> Lines(JsonNode? printed) => (printed switch
    {
        null => "",
        JsonArray array => string.Join('\n', array.Select(one => one!.ToJsonString())),
        _ => printed.ToString(),
    }).Split('\n').Select(one => one.Trim()).Where(one => one.Length > 0);

    private static IEnumerable<string> Expand(string path)
    {
        var open = path.IndexOf('{', StringComparison.Ordinal);
        return open < 0 ? [path] : path[(open + 1)..path.IndexOf('}', open)].Split(',').Select(one => path[..open] + one);
    }

    /// <summary>Null: no REST resource has the attribute.</summary>
    private async Task<ApiAnswer?> WriteAsync(JsonNode golden, string path, string value)
    {
        if (path.EndsWith("drivers/nd_pmem/bind", StringComparison.Ordinal))
        {
            if (value.StartsWith("namespace", StringComparison.Ordinal))
            {
                await machine.PostAsync($"/namespaces/{value}/enable");
            }

            return null;
        }

        if (path.EndsWith("drivers/nd_pmem/unbind", StringComparison.Ordinal))
        {
            // no REST call stands for a driver's own file: what it did is done with ndctl's disable, and its answer is not compared
            if (value.StartsWith("namespace", StringComparison.Ordinal) && golden["stderr"]!.AsArray().Count == 0)
            {
                await machine.PostAsync($"/namespaces/{value}/disable");
            }

            return null;
        }

        if (!path.StartsWith(Devices, StringComparison.Ordinal) || path[Devices.Length..].Split('/') is not [var device, var attribute])
        {
            return null;
        }

        var member = (device[..3], attribute) switch
        {
            ("nam", "size") => "size",
            ("nam", "uuid") => "uuid",
            ("nam", "alt_name") => "altName",
            ("nam", "sector_size") => "sectorSize",
            ("nam", "holder_class") => "holderClass",
            ("nam", "force_raw") => "forceRaw",
            ("reg", "align") => "align",
            ("reg", "read_only") => "readOnly",
            _ => null,
        };
        if (member is null)
        {
            return null;
        }

        var resource = device[0] == 'n' ? "namespaces" : "regions";
        var body = new Dictionary<string, object> { [member] = attribute is "force_raw" or "read_only" ? value is "1" : value };
        return await machine.PatchAsync($"/{resource}/{device}", JsonSerializer.Serialize(body));
    }

    private async Task<(bool Known, string? Text)> ReadAsync(string path)
    {
        if (!path.StartsWith(Devices, StringComparison.Ordinal) || path[Devices.Length..].Split('/') is not [var device, var attribute])
        {
            return (false, null);
        }

        if (device.StartsWith("region", StringComparison.Ordinal))
        {
            var region = (await machine.GetAsync($"/regions/{device}")).Body;
            return attribute switch
            {
                "size" => (true, (string?)region?["size"]?.ToString()),
                "available_size" => (true, region?["availableSize"]?.ToString() ?? "0"),
                "max_available_extent" => (true, region?["maxAvailableExtent"]?.ToString() ?? "0"),
                "align" => (true, $"0x{(long)region!["align"]!:x}"),
                "namespace_seed" => (true, (string?)region?["namespaceSeed"]),
                "resource" => (true, (string?)region?["start"]),
                "read_only" => (true, (bool)region!["readOnly"]! ? "1" : "0"),
                _ => (false, null),
            };
        }

        if (!device.StartsWith("namespace", StringComparison.Ordinal))
        {
            return (false, null);
        }

        var answer = await machine.GetAsync($"/namespaces/{device}");
        if (!answer.IsSuccess)
        {
            return (true, null);
        }

        return attribute switch
        {
            "size" => (true, answer.Body!["rawSize"]!.ToString()),
            "uuid" => (true, (string?)answer.Body!["rawUuid"] ?? ""),
            "alt_name" => (true, (string?)answer.Body!["altName"] ?? ""),
            _ => (false, null),
        };
    }

    [GeneratedRegex(@"^for i in \$\(seq (\d+)\); do .*/uuid; done; cat /sys/bus/nd/devices/nmem0/available_slots$")]
    private static partial Regex Renames();

    [GeneratedRegex(@"> /sys/bus/nd/devices/(namespace[0-9.]+)/uuid")]
    private static partial Regex UuidFile();

    [GeneratedRegex(@" (2?>/dev/null|2>&1)")]
    private static partial Regex Quiet();

    [GeneratedRegex(@"^echo (.*?) ?> ?(\S+)$")]
    private static partial Regex Echo();

    [GeneratedRegex(@"^cat (/sys/bus/nd/\S+ ?)+$")]
    private static partial Regex Cat();
}
