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

    private static List<JsonNode> Children(JsonNode node) => node switch
    {
        JsonObject members => [.. members.Select(member => member.Value).OfType<JsonNode>().Where(value => value is JsonObject or JsonArray)],
        JsonArray items => [.. items.OfType<JsonNode>().Where(value => value is JsonObject or JsonArray)],
        _ => [],
    };
}
