using System.Text.Json.Nodes;

namespace PmemFleet.Nvdimm.Tests.Model;

/// <summary>JSON compared as ndctl's users read it: members and elements in any order, numbers by value.</summary>
internal static class GoldenJson
{
    public static string Normal(JsonNode? node) => node switch
    {
        null => "null",
        JsonArray array => "[" + string.Join(",", array.Select(Normal).Order(StringComparer.Ordinal)) + "]",
        JsonObject members => "{" + string.Join(",", members.OrderBy(m => m.Key, StringComparer.Ordinal).Select(m => $"\"{m.Key}\":{Normal(m.Value)}")) + "}",
        _ => node.ToJsonString(),
    };

    /// <summary>Drops what the test cannot know: bad blocks left by an earlier part of the recording, DIMM health.</summary>
    public static JsonNode? Without(JsonNode? node, params string[] names)
    {
        var copy = node?.DeepClone();
        Drop(copy, names);
        return copy;
    }

    private static void Drop(JsonNode? node, string[] names)
    {
        if (node is JsonArray array)
        {
            foreach (var item in array)
            {
                Drop(item, names);
            }
        }
        else if (node is JsonObject members)
        {
            foreach (var name in names)
            {
                members.Remove(name);
            }

            foreach (var (_, value) in members)
            {
                Drop(value, names);
            }
        }
    }
}
