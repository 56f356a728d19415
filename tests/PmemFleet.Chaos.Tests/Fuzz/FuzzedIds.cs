using System.Text.Json.Nodes;
using PmemFleet.Chaos.Tests.Support;

namespace PmemFleet.Chaos.Tests.Fuzz;

/// <summary>What has an id in its path, and not a name: made anew where the fuzz took it away.</summary>
internal sealed class FuzzedIds(ChaosFleet fleet, Random random)
{
    public int Made { get; private set; }

    /// <summary>Ids that the path's <c>{id}</c> can be.</summary>
    public async Task<IReadOnlyList<string>> EnsureAsync(string path, string host)
    {
        var list = path[..path.IndexOf("/{id}", StringComparison.Ordinal)];
        var ids = await FindAsync(list);
        for (var i = ids.Count; i < Enough(list) && BodyFor(list, host) is { } body; i++)
        {
            await ChaosFleet.MustAsync(fleet.Client.PostAsync(list, body, $"fuzz-{random.NextInt64():x}"));
            Made++;
        }

        return ids.Count >= Enough(list) ? ids : await FindAsync(list);
    }

    private async Task<List<string>> FindAsync(string list) =>
        [.. (await fleet.Client.ListAsync(list)).Where(item => IsOfUse(list, item)).Take(Enough(list)).Select(item => (string)item["id"]!)];

    /// <summary>A good DELETE takes one away, and the requests behind it are to meet one, too; campaigns stay.</summary>
    private static int Enough(string list) => list == "/v1/campaigns" ? 1 : 3;

    private static bool IsOfUse(string list, JsonNode item) => list switch
    {
        // the tests' own key stays
        "/v1/api-keys" => item["revokedAt"] is null && !ChaosFleet.AdminKey.StartsWith((string)item["prefix"]!, StringComparison.Ordinal),

        // only these have a log, or a result
        "/v1/campaigns" or "/v1/workloads" => (string?)item["state"] == "succeeded",
        _ => true,
    };

    private static JsonNode? BodyFor(string list, string host) => list switch
    {
        "/v1/api-keys" => new JsonObject { ["name"] = "spare", ["role"] = "viewer" },
        "/v1/campaigns" => JsonNode.Parse($$"""{"durationSeconds":3600,"hosts":["{{host}}"],"sources":[{"perDimmHour":1}]}"""),
        "/v1/workloads" => JsonNode.Parse("""
            {"machine":{"devices":[{"size":"1G","align":"4K"}]},"mappings":[{"device":"dax0.0","length":"64M"}],"phases":[{"pattern":"uniform","accesses":100}]}
            """),
        _ => null,
    };
}
