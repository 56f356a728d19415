using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace PmemFleet.Api.Tests.Fidelity;

/// <summary>The JSON of ndctl and daxctl, compared as their users read it: members and elements in any order.</summary>
internal static class RecordedJson
{
    /// <summary>What QEMU's DIMMs and its NFIT do not have, and ours do.</summary>
    private static readonly string[] NotOfQemu = ["security", "firmware", "scrub_state", "phys_id"];

    /// <summary>The members that tell one item of a list from another.</summary>
    private static readonly string[] Naming = ["dev", "chardev", "dimm", "path", "id", "offset"];

    /// <summary>Sessions that name no uuid got random ones: what shows the labels' uuid is not compared there.</summary>
    public static JsonNode? WithoutLabelUuids(JsonNode? node) => node switch
    {
        JsonArray array => new JsonArray([.. array.Select(WithoutLabelUuids)]),
        JsonObject members => new JsonObject(members
            .Where(member => member.Key != "raw_uuid" && !(member.Key == "uuid" && ((string?)members["state"] == "disabled" || (string?)members["mode"] == "raw")))
            .Select(member => KeyValuePair.Create(member.Key, WithoutLabelUuids(member.Value)))),
        _ => node?.DeepClone(),
    };

    /// <summary>Agrees where both print the same; else says what each has that the other has not.</summary>
    public static StepResult Compare(JsonNode? expected, JsonNode? actual)
    {
        var (linux, ours) = (Leaves(Known(expected), ""), Leaves(Known(actual), ""));
        var missing = linux.Except(ours).Order(StringComparer.Ordinal).ToArray();
        var more = ours.Except(linux).Order(StringComparer.Ordinal).ToArray();
        return missing.Length + more.Length == 0
            ? StepResult.Agrees
            : StepResult.Differs($"only Linux: {string.Join(' ', missing)} | only ours: {string.Join(' ', more)}");
    }

    /// <summary>The JSON that a line of several commands printed first, and what came behind it.</summary>
    public static (JsonNode? First, JsonNode? Behind) FirstPrinted(JsonNode? printed)
    {
        if (printed is JsonArray or JsonObject)
        {
            return (printed, null);
        }

        if (printed is not JsonValue value || value.GetValueKind() != JsonValueKind.String || value.ToString() is not ['[' or '{', ..] text)
        {
            return (null, printed);
        }

        var bytes = Encoding.UTF8.GetBytes(text);
        var reader = new Utf8JsonReader(bytes, isFinalBlock: false, default);
        var first = JsonNode.Parse(ref reader);
        return (first, Encoding.UTF8.GetString(bytes.AsSpan((int)reader.BytesConsumed)));
    }

    /// <summary>Each value with the names of what it is in: a device by its own name, not by its place.</summary>
    private static HashSet<string> Leaves(JsonNode? node, string path)
    {
        var leaves = new HashSet<string>(StringComparer.Ordinal);
        switch (node)
        {
            case JsonArray array:
                leaves.Add($"{path}[{array.Count}]");
                foreach (var item in array)
                {
                    leaves.UnionWith(Leaves(item, $"{path}/{NameOf(item)}"));
                }

                break;
            case JsonObject members:
                foreach (var (name, value) in members)
                {
                    leaves.UnionWith(Leaves(value, $"{path}/{name}"));
                }

                break;
            default:
                leaves.Add($"{path}={node?.ToJsonString() ?? "null"}");
                break;
        }

        return leaves;
    }

    private static string NameOf(JsonNode? item) => item is JsonObject members && Naming.FirstOrDefault(members.ContainsKey) is { } name
        ? members[name]!.ToString() : "·";

    /// <summary>Without what only one of the machines has.</summary>
    public static JsonNode? Known(JsonNode? node)
    {
        var copy = node?.DeepClone();
        Drop(copy);
        return copy;
    }

    private static void Drop(JsonNode? node)
    {
        if (node is JsonArray array)
        {
            foreach (var item in array)
            {
                Drop(item);
            }
        }
        else if (node is JsonObject members)
        {
            foreach (var name in NotOfQemu)
            {
                members.Remove(name);
            }

            foreach (var (_, value) in members)
            {
                Drop(value);
            }
        }
    }
}
