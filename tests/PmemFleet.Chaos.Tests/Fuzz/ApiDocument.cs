using System.Text.Json.Nodes;

namespace PmemFleet.Chaos.Tests.Fuzz;

/// <summary>A parameter of an operation.</summary>
internal sealed record ApiParameter(string Name, string In);

/// <summary>An operation of the OpenAPI document, with the bodies it shows in one of its media types.</summary>
internal sealed record ApiOperation(string Method, string Path, IReadOnlyList<ApiParameter> Parameters, string? MediaType, IReadOnlyList<JsonNode> Examples, IReadOnlyList<string> Members)
{
    public bool IsWrite => Method != "GET";

    public bool IsYaml => MediaType == "application/yaml";

    public override string ToString() => IsYaml ? $"{Method} {Path} in YAML" : $"{Method} {Path}";
}

/// <summary>The committed OpenAPI document.</summary>
internal static class ApiDocument
{
    private static readonly JsonNode Root = JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "openapi", "pmemfleet.v1.json")))!;

    public static IReadOnlyList<ApiOperation> Operations { get; } =
    [
        .. from path in Root["paths"]!.AsObject()
           from method in path.Value!.AsObject()
           where method.Key is "get" or "put" or "post" or "delete" or "patch"
           let content = method.Value!["requestBody"]?["content"]?.AsObject()
           from media in content?.Select(pair => (MediaType: (string?)pair.Key, Content: pair.Value)) ?? [(null, null)]
           select Read(method.Key.ToUpperInvariant(), path.Key, method.Value!, media.MediaType, media.Content),
    ];

    private static ApiOperation Read(string method, string path, JsonNode operation, string? mediaType, JsonNode? media)
    {
        var parameters = (operation["parameters"]?.AsArray() ?? []).Select(Resolve)
            .Select(parameter => new ApiParameter((string)parameter["name"]!, (string)parameter["in"]!)).ToList();
        var schema = media?["schema"] is { } given ? Resolve(given) : null;
        return new ApiOperation(
            method,
            path,
            parameters,
            mediaType,
            [.. (media?["examples"]?.AsObject() ?? []).Select(example => Resolve(example.Value)["value"]!)],
            [.. (schema?["properties"]?.AsObject() ?? []).Select(member => member.Key)]);
    }

    private static JsonNode Resolve(JsonNode? node)
    {
        while (node?["$ref"] is { } reference)
        {
            node = ((string)reference!).Split('/').Skip(1).Aggregate(Root, (at, part) => at[part]!);
        }

        return node!;
    }
}
