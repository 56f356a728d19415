using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace PmemFleet.Api.Tests.Fidelity;

/// <summary>ndctl's commands that change something, each as the REST call that stands for it.</summary>
internal sealed partial class NdctlCommands(RecordedMachine machine, Recording recording)
{
    /// <summary>Null: not a command of this kind.</summary>
    public async Task<StepResult?> RunAsync(int at, JsonNode golden, ToolLine line) => line.Verb switch
    {
        "create-namespace" when line.Has("-n") && line.Get("-n") is null => null,
        "create-namespace" when !line.HasLongOptions && (line.Get("-t") is null or "pmem" or "blk") => await CreateAsync(at, golden, line),
        "destroy-namespace" => await EachNamespaceAsync(golden, line,
            name => machine.DeleteAsync($"/namespaces/{name}?force={(line.Has("-f") ? "true" : "false")}")),
        "disable-namespace" => await EachNamespaceAsync(golden, line, name => machine.PostAsync($"/namespaces/{name}/disable")),
        "enable-namespace" => await EachNamespaceAsync(golden, line, name => machine.PostAsync($"/namespaces/{name}/enable")),
        "check-namespace" when !line.Has("-v") => await CheckAsync(golden, line),
        "disable-region" => await CountAsync(golden, await RegionsAsync(line), name => machine.PostAsync($"/regions/{name}/disable")),
        "enable-region" => await CountAsync(golden, await RegionsAsync(line), name => machine.PostAsync($"/regions/{name}/enable")),
        "disable-dimm" => await CountAsync(golden, await DimmsAsync(line), name => machine.PostAsync($"/dimms/{name}/disable")),
        "enable-dimm" => await CountAsync(golden, await DimmsAsync(line), name => machine.PostAsync($"/dimms/{name}/enable")),
        "zero-labels" when !line.Has("-s") && !line.Has("-O") => await CountAsync(golden, await DimmsAsync(line),
            name => machine.PostAsync($"/dimms/{name}/labels/zero")),
        "init-labels" => await CountAsync(golden, await DimmsAsync(line), name => machine.PostAsync($"/dimms/{name}/labels/init", Body(
            ("version", line.Get("-V")), ("force", line.Has("-f"))))),
        "inject-error" or "clear-errors" => StepResult.Without("media errors on QEMU's DIMMs: no recording injects them here"),
        _ => null,
    };

    private async Task<StepResult> CreateAsync(int at, JsonNode golden, ToolLine line)
    {
        var rc = (int)golden["rc"]!;
        var existing = line.Get("-e");
        var printed = golden["stdout"] as JsonObject;
        var device = existing ?? (string?)printed?["dev"];
        var mode = line.Get("-m");
        var region = line.Get("-t") == "blk" ? "no-blk-regions" : line.Get("-r") is { } given and not "all" ? given : RegionOf(golden);
        var isPersonality = printed is not null && (string?)printed["mode"] != "raw";
        var body = Body(
            ("region", existing is null ? region : null), ("mode", mode), ("size", line.Get("-s")), ("align", line.Get("-a")),
            ("map", line.Get("-M")), ("sectorSize", line.Get("-l")), ("altName", line.Get("-n")),
            ("uuid", line.Get("-u") ?? LabelUuid(at, device, printed)?.ToString()),
            ("personalityUuid", isPersonality ? (string?)printed!["uuid"] : await LeftUuidAsync(at, mode)),
            ("force", line.Has("-f")));
        var answer = await machine.PostAsync(existing is null ? "/namespaces" : $"/namespaces/{existing}/reconfigure", body);
        if (rc == 129)
        {
            // ndctl's own parser refused: over the wire it is a refusal of the member
            return answer.Errno == "EINVAL" || answer.Code == "not-found"
                ? StepResult.Agrees
                : StepResult.Differs($"expected a refusal of the value\nbut was {answer}");
        }

        if (answer.Code == "not-found" && existing is null)
        {
            // ndctl looks through the regions for one of that name, and says ENODEV when it has seen them all
            return StepResult.Compare($"rc {rc}", $"rc {256 - ErrnoNumbers.Of("ENODEV")}");
        }

        if (!answer.IsSuccess || rc != 0)
        {
            var errors = string.Join('\n', golden["stderr"]!.AsArray().Select(one => (string)one!));
            return Ended(golden, answer).And(Lines(answer).All(one => errors.Contains(one, StringComparison.Ordinal))
                ? StepResult.Agrees
                : StepResult.Differs($"message '{answer.Detail}' is not in '{errors}'"));
        }

        var name = (string)answer.Body!["name"]!;
        var listed = await machine.GetAsync($"/ndctl/list?namespaces=true&deviceDax=true&idle=true&namespace={name}");
        return RecordedJson.Compare(printed, listed.Body is JsonArray { Count: 1 } one ? one[0] : listed.Body);
    }

    /// <summary>Without -r ndctl takes the first region that its folder of sysfs shows, in no order that counts: the one that the answer names.</summary>
    private static string? RegionOf(JsonNode golden) => (golden["stdout"] as JsonObject)?["dev"] is { } device
        ? $"region{((string)device!)["namespace".Length..].Split('.')[0]}"
        : golden["stderr"]!.AsArray().Select(text => Region().Match((string)text!)).FirstOrDefault(match => match.Success)?.Value;

    /// <summary>ndctl does not name what holds a namespace that is in use.</summary>
    private static string[] Lines(ApiAnswer answer) => answer.Code == "not-found" ? []
        : answer.Code == "namespace-in-use" ? [answer.Detail[(answer.Detail.IndexOf(": ", StringComparison.Ordinal) + 2)..]]
        : answer.Detail.Split('\n');

    public static StepResult Ended(JsonNode golden, ApiAnswer answer) =>
        answer.ExitStatus == (int)golden["rc"]! ? StepResult.Agrees : StepResult.Differs($"expected rc {golden["rc"]}\nbut was rc {answer.ExitStatus} {answer}");

    private async Task<StepResult> CheckAsync(JsonNode golden, ToolLine line)
    {
        var results = new List<StepResult>();
        foreach (var name in await NamespacesAsync(line, seeds: false))
        {
            var answer = await machine.PostAsync($"/namespaces/{name}/check", Body(
                ("repair", line.Has("-R")), ("rewriteLog", line.Has("-L")), ("force", line.Has("-f"))));
            results.Add(Ended(golden, answer));
        }

        return results.Aggregate(StepResult.Agrees, (one, two) => one.And(two));
    }

    private async Task<StepResult> EachNamespaceAsync(JsonNode golden, ToolLine line, Func<string, Task<ApiAnswer>> command)
    {
        ApiAnswer? failed = null;
        foreach (var name in await NamespacesAsync(line, line.Verb == "enable-namespace"))
        {
            var answer = await command(name);
            failed ??= answer.IsSuccess ? null : answer;
        }

        return failed is null ? StepResult.Compare($"rc {golden["rc"]}", "rc 0") : Ended(golden, failed);
    }

    private static async Task<StepResult> CountAsync(JsonNode golden, IEnumerable<string> names, Func<string, Task<ApiAnswer>> command)
    {
        var done = 0;
        var failures = "";
        foreach (var name in names)
        {
            var answer = await command(name);
            done += answer.IsSuccess ? 1 : 0;
            failures += answer.IsSuccess ? "" : $" {answer}";
        }

        var counted = golden["stderr"]!.AsArray().Select(text => Counted().Match((string)text!)).LastOrDefault(match => match.Success);
        var expected = $"{counted?.Groups[1].Value ?? "?"} done";
        return expected == $"{done} done" ? StepResult.Agrees : StepResult.Differs($"expected {expected}\nbut was {done} done{failures}");
    }

    private async Task<IReadOnlyList<string>> NamespacesAsync(ToolLine line, bool seeds)
    {
        if (line.Targets is not ["all"])
        {
            return line.Targets;
        }

        var all = await machine.ListAsync("/namespaces");
        return [.. all.Where(one => (seeds && one!["rawUuid"] is not null) || (long)one!["rawSize"]! > 0)
            .Where(one => line.Get("-r") is null or "all" || line.Get("-r") == (string?)one!["region"])
            .Select(one => (string)one!["name"]!)];
    }

    private async Task<IReadOnlyList<string>> RegionsAsync(ToolLine line) =>
        line.Targets is ["all"] ? [.. (await machine.ListAsync("/regions")).Select(one => (string)one!["name"]!)] : line.Targets;

    private async Task<IReadOnlyList<string>> DimmsAsync(ToolLine line) =>
        line.Targets is ["all"] ? [.. (await machine.ListAsync("/dimms")).Select(one => (string)one!["name"]!)] : line.Targets;

    /// <summary>The uuid that Linux gave the labels: printed in raw mode, else shown by the next snapshot or verbose list.</summary>
    private Guid? LabelUuid(int at, string? device, JsonObject? printed)
    {
        if (device is null)
        {
            return null;
        }

        if ((string?)printed?["mode"] == "raw" && (string?)printed["uuid"] is { } raw)
        {
            return Guid.Parse(raw);
        }

        foreach (var later in recording.Events.Skip(at + 1).Take(printed is null ? 14 : 5))
        {
            if (OwnUuid().Match((string?)later!["cmd"] ?? "") is { Success: true } own && own.Groups[1].Value == device && (int?)later["rc"] == 256 - ErrnoNumbers.Of("EINVAL"))
            {
                // the recorder read the uuid of the namespace and gave it the same one again
                return Guid.Parse(own.Groups[2].Value);
            }

            if ((string?)later!["type"] == "snap")
            {
                return (string?)later["sysfs"]?["nd"]?[device]?["uuid"] is { Length: > 0 } uuid ? Guid.Parse(uuid) : null;
            }

            if (RecordedJson.FirstPrinted(later["stdout"]).First is { } list && RawUuidOf(list, device) is { } listed)
            {
                return listed;
            }

            // another uuid may follow
            if ((string?)later["cmd"] is { } command && (command.Contains($"-e {device}", StringComparison.Ordinal) || command.Contains("destroy", StringComparison.Ordinal)))
            {
                return null;
            }
        }

        return null;
    }

    private static Guid? RawUuidOf(JsonNode? node, string device) => node switch
    {
        JsonArray array => array.Select(item => RawUuidOf(item, device)).FirstOrDefault(found => found is not null),
        JsonObject members when (string?)members["dev"] == device && members["raw_uuid"] is { } uuid => Guid.Parse((string)uuid!),
        JsonObject members => members.Select(member => RawUuidOf(member.Value, device)).FirstOrDefault(found => found is not null),
        _ => null,
    };

    /// <summary>The uuid of a personality that a failed create left behind, as the next snapshot shows it.</summary>
    private async Task<string?> LeftUuidAsync(int at, string? mode)
    {
        var kind = mode switch { "sector" => "btt", "devdax" => "dax", _ => "pfn" };
        var snapshot = recording.Events.Skip(at + 1).Take(15).FirstOrDefault(later => (string?)later!["type"] == "snap");
        var known = (await machine.ListAsync("/namespaces")).Select(one => (string?)one!["uuid"]).ToHashSet();
        return snapshot?["sysfs"]?["nd"]?.AsObject().Where(device => device.Key.StartsWith(kind, StringComparison.Ordinal))
            .Select(device => (string?)device.Value!["uuid"]).FirstOrDefault(uuid => uuid is { Length: > 0 } && !known.Contains(uuid));
    }

    /// <summary>A JSON body of the members that are there.</summary>
    private static string Body(params (string Name, object? Value)[] members) => JsonSerializer.Serialize(
        members.Where(member => member.Value is not null and not false).ToDictionary(member => member.Name, member => member.Value));

    [GeneratedRegex(@"-e (\S+) .*-u (\S+)")]
    private static partial Regex OwnUuid();

    [GeneratedRegex(@"\bregion\d+")]
    private static partial Regex Region();

    [GeneratedRegex(@"(?:disabled|enabled|initialized|verified|zeroed|destroyed) (\d+) ")]
    private static partial Regex Counted();
}
