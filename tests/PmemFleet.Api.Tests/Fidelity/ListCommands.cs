using System.Text.Json.Nodes;

namespace PmemFleet.Api.Tests.Fidelity;

/// <summary><c>ndctl list</c> and <c>daxctl list</c> by their query parameters, and daxctl's commands.</summary>
internal sealed class ListCommands(RecordedMachine machine, bool randomUuids)
{
    private static readonly (string Option, string Parameter)[] NdctlFlags =
    [
        ("-B", "buses"), ("-D", "dimms"), ("-R", "regions"), ("-N", "namespaces"), ("-X", "deviceDax"), ("-i", "idle"),
        ("-c", "configured"),
        ("-M", "mediaErrors"), ("-H", "health"), ("-F", "firmware"), ("-C", "capabilities"), ("-u", "human"),
    ];

    private static readonly (string Option, string Parameter)[] NdctlValues =
    [
        ("-b", "bus"), ("-d", "dimm"), ("-r", "region"), ("-n", "namespace"), ("-m", "mode"), ("-t", "type"), ("-U", "numaNode"),
    ];

    private static readonly (string Option, string Parameter)[] DaxctlFlags =
        [("-R", "regions"), ("-D", "devices"), ("-M", "mappings"), ("-u", "human")];

    private static readonly (string Option, string Parameter)[] DaxctlValues = [("-r", "region"), ("-d", "device")];

    public async Task<StepResult> NdctlAsync(JsonNode golden, ToolLine line)
    {
        if (line.HasLongOptions || line.Targets.Count > 0)
        {
            return StepResult.Without("ndctl's own help and usage");
        }

        if (line.Has("-H") || line.Has("-F") || line.Count("-v") >= 3)
        {
            return StepResult.Without("health and firmware: QEMU's DIMMs have neither, ours have both");
        }

        var verbose = line.Has("-v") ? $"&verbose={line.Count("-v")}" : "";
        return Printed(golden, await machine.GetAsync($"/ndctl/list?{Query(line, NdctlFlags, NdctlValues)}{verbose}"));
    }

    public async Task<StepResult?> DaxctlAsync(JsonNode golden, ToolLine line)
    {
        switch (line.Verb)
        {
            case "list" when !line.HasLongOptions:
                return Printed(golden, await machine.GetAsync($"/daxctl/list?{Query(line, DaxctlFlags, DaxctlValues)}"));
            case "reconfigure-device" when line.Targets is [var device] && !line.Has("-s"):
                var request = new JsonObject { ["mode"] = line.Get("-m"), ["noOnline"] = line.Has("-N"), ["force"] = line.Has("-f") };
                return NdctlCommands.Ended(golden, await machine.PostAsync($"/dax-devices/{device}/reconfigure", request.ToJsonString()));
            case "disable-device" or "enable-device" when line.Targets is [var device]:
                return NdctlCommands.Ended(golden, await machine.PostAsync($"/dax-devices/{device}/{line.Verb.Split('-')[0]}"));
            case "online-memory" or "offline-memory" when line.Targets is [var device]:
                return NdctlCommands.Ended(golden, await machine.PostAsync($"/dax-devices/{device}/{line.Verb}"));
            default:
                return null;
        }
    }

    private static string Query(ToolLine line, (string Option, string Parameter)[] flags, (string Option, string Parameter)[] values)
    {
        var set = flags.Where(flag => line.Has(flag.Option)).Select(flag => $"{flag.Parameter}=true");
        var given = values.Where(value => line.Get(value.Option) is not null)
            .Select(value => $"{value.Parameter}={Uri.EscapeDataString(line.Get(value.Option)!)}");
        return string.Join('&', set.Concat(given));
    }

    /// <summary>Where a tool prints nothing, the Api answers with an empty array.</summary>
    private StepResult Printed(JsonNode golden, ApiAnswer answer)
    {
        if (!answer.IsSuccess)
        {
            return (int)golden["rc"]! != 0
                ? StepResult.Agrees
                : StepResult.Differs($"expected {golden["stdout"]?.ToJsonString()}\nbut was {answer}");
        }

        if ((int)golden["rc"]! != 0)
        {
            return StepResult.Differs($"expected rc {golden["rc"]}\nbut was {answer}");
        }

        var expected = golden["stdout"] is JsonArray or JsonObject ? golden["stdout"] : new JsonArray();
        return randomUuids
            ? RecordedJson.Compare(RecordedJson.WithoutLabelUuids(expected), RecordedJson.WithoutLabelUuids(answer.Body))
            : RecordedJson.Compare(expected, answer.Body);
    }
}
