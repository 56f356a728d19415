using System.Text.Json;
using System.Text.Json.Nodes;

namespace PmemFleet.Chaos.Tests.Fuzz;

/// <summary>One thing that is wrong in a good document.</summary>
internal static class HostileMember
{
    /// <summary>One member, at any depth, gets another value, goes, comes twice, or is one that nobody knows.</summary>
    /// <param name="random">The run's choices.</param>
    /// <param name="body">A good document; it is changed.</param>
    /// <param name="known">Members that the document's type has, whether they are in it or not.</param>
    /// <param name="depth">How likely it goes a level deeper, at each.</param>
    public static string Spoil(Random random, JsonNode body, IReadOnlyList<string> known, double depth)
    {
        const string mark = "\"@spoiled@\"";
        var target = body;
        while (random.NextDouble() < depth && Children(target) is { Count: > 0 } children)
        {
            target = HostileValues.Pick(random, children);
        }

        if (target is JsonArray array)
        {
            array.Add("@spoiled@");
            return body.ToJsonString().Replace(mark, random.Next(8) == 0 ? string.Join(',', Enumerable.Repeat("\"nmem0\"", 5000)) : HostileValues.Json(random), StringComparison.Ordinal);
        }

        var members = target.AsObject();
        var names = members.Select(member => member.Key).Concat(ReferenceEquals(target, body) ? known : []).Distinct().ToList();
        var name = names.Count == 0 || random.Next(8) == 0 ? HostileValues.Pick(random, ["nope", "", "__proto__", "$ref", "Name", "id"]) : HostileValues.Pick(random, names);
        if (random.Next(6) == 0)
        {
            members.Remove(name);
            return body.ToJsonString();
        }

        members[name] = "@spoiled@";
        var value = HostileValues.Json(random);
        return body.ToJsonString().Replace(mark, random.Next(10) == 0 ? $"{value},{JsonValue.Create(name).ToJsonString()}:{HostileValues.Json(random)}" : value, StringComparison.Ordinal);
    }

    /// <summary>One value becomes another one of its kind, or a list another list of the same items: what is read without a complaint, and is not true.</summary>
    /// <param name="random">The run's choices.</param>
    /// <param name="body">A good document; it is changed.</param>
    public static void Twist(Random random, JsonNode body)
    {
        var all = Descendants(body).ToList();
        if (random.Next(4) == 0 && all.OfType<JsonArray>().Where(list => list.Count > 0).ToList() is { Count: > 0 } lists)
        {
            var list = HostileValues.Pick(random, lists);
            switch (random.Next(3))
            {
                case 0:
                    list.Clear();
                    break;
                case 1:
                    list.Add(HostileValues.Pick(random, list.ToList())!.DeepClone());
                    break;
                default:
                    list.RemoveAt(random.Next(list.Count));
                    break;
            }

            return;
        }

        var values = all.OfType<JsonValue>().ToList();
        var value = HostileValues.Pick(random, values);
        value.ReplaceWith(Other(random, value, values));
    }

    private static JsonNode Other(Random random, JsonValue value, List<JsonValue> all) => value.GetValueKind() switch
    {
        JsonValueKind.True => false,
        JsonValueKind.False => true,
        JsonValueKind.Number => JsonNode.Parse(HostileValues.Pick(random, ["0", "1", "-1", "2", "4095", "4294967295", "4294967296", "1125899906842624", "9223372036854775807", "-9223372036854775808"]))!,
        _ when Guid.TryParse(value.GetValue<string>(), out _) => random.Next(3) == 0
            ? HostileValues.Pick(random, [Guid.Empty, Guid.NewGuid()]).ToString()
            : HostileValues.Pick(random, all.Where(other => other.GetValueKind() == JsonValueKind.String && Guid.TryParse(other.GetValue<string>(), out _)).ToList()).GetValue<string>(),
        _ => random.Next(3) == 0
            ? HostileValues.Pick(random, ["", "x", "locked", "refused", new string('y', 5000)])
            : HostileValues.Pick(random, all.Where(other => other.GetValueKind() == JsonValueKind.String).ToList()).GetValue<string>(),
    };

    private static IEnumerable<JsonNode> Descendants(JsonNode node) => (node switch
    {
        JsonObject members => members.Select(member => member.Value),
        JsonArray items => items,
        _ => [],
    }).OfType<JsonNode>().SelectMany(child => Descendants(child).Prepend(child));

    private static List<JsonNode> Children(JsonNode node) => node switch
    {
        JsonObject members => [.. members.Select(member => member.Value).OfType<JsonNode>().Where(value => value is JsonObject or JsonArray)],
        JsonArray items => [.. items.OfType<JsonNode>().Where(value => value is JsonObject or JsonArray)],
        _ => [],
    };
}
