using System.Text.Json.Nodes;
using PmemFleet.Api.OpenApi;
using PmemFleet.Api.Tests.Support;

namespace PmemFleet.Api.Tests.OpenApi;

/// <summary>The API's description is committed, complete and held against the code.</summary>
public sealed class OpenApiDocumentTests
{
    private static readonly Lazy<Task<string>> Described = new(DescribeAsync);

    /// <summary>Run <c>deploy/scripts/openapi.sh</c> and commit what it writes.</summary>
    [Fact]
    public async Task CommittedDocument_OfThisCode_IsTheSame()
    {
        var path = Path.Combine(Root(), "openapi", "pmemfleet.v1.json");
        var now = await Described.Value;
        if (Environment.GetEnvironmentVariable("PMEMFLEET_WRITE_OPENAPI") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            await File.WriteAllTextAsync(path, now);
        }

        Assert.True(now == await File.ReadAllTextAsync(path), "openapi/pmemfleet.v1.json is not of this code: run deploy/scripts/openapi.sh");
    }

    [Fact]
    public async Task Document_IsOpenApi31_WithTheBearerScheme()
    {
        var document = await ParseAsync();
        Assert.StartsWith("3.1", (string?)document["openapi"], StringComparison.Ordinal);
        Assert.Equal("bearer", (string?)document["components"]!["securitySchemes"]!["bearer"]!["scheme"]);
        Assert.NotNull(document["security"]![0]!["bearer"]);
    }

    [Fact]
    public async Task Operations_Each_SaysWhatItIsAndDescribesEveryStatus()
    {
        var complaints = new List<string>();
        foreach (var (name, operation) in await OperationsAsync())
        {
            if (string.IsNullOrWhiteSpace((string?)operation["summary"]))
            {
                complaints.Add($"{name}: no summary");
            }

            foreach (var (status, response) in operation["responses"]!.AsObject())
            {
                var description = (string?)response!["description"];
                if (string.IsNullOrWhiteSpace(description) || description is "OK" or "Created" or "Accepted" or "No Content" or "Not Found" or "Bad Request")
                {
                    complaints.Add($"{name}: {status} is not described");
                }

                if (int.Parse(status, null) >= 400
                    && (string?)response["content"]?["application/problem+json"]?["schema"]?["$ref"] != "#/components/schemas/ProblemDto")
                {
                    complaints.Add($"{name}: {status} is no problem document");
                }
            }
        }

        Assert.True(complaints.Count == 0, string.Join("\n", complaints));
    }

    [Fact]
    public async Task Parameters_Each_AreDescribed_AndPathsHaveExamples()
    {
        var complaints = new List<string>();
        foreach (var (name, operation) in await OperationsAsync())
        {
            foreach (var parameter in operation["parameters"]?.AsArray() ?? [])
            {
                if (string.IsNullOrWhiteSpace((string?)parameter!["description"]))
                {
                    complaints.Add($"{name}: {parameter["name"]} is not described");
                }

                if ((string?)parameter["in"] == "path" && parameter["example"] is null && parameter["schema"]?["format"]?.ToString() != "uuid")
                {
                    complaints.Add($"{name}: {parameter["name"]} has no example");
                }
            }
        }

        Assert.True(complaints.Count == 0, string.Join("\n", complaints));
    }

    [Fact]
    public async Task QueryParameters_WithoutWhichARequestIsRefused_AreRequired()
    {
        Assert.Equal(
            ["get /v1/hosts/{host}/media-errors/injected: namespace"],
            from found in await OperationsAsync()
            from parameter in found.Operation["parameters"]?.AsArray() ?? []
            where (string?)parameter!["in"] == "query" && (bool?)parameter["required"] is true
            select $"{found.Name}: {parameter["name"]}");
    }

    [Fact]
    public async Task RequestBodies_OfJson_HaveExamplesThatTheSchemaKnows()
    {
        var complaints = new List<string>();
        var schemas = (await ParseAsync())["components"]!["schemas"]!.AsObject();
        foreach (var (name, operation) in await OperationsAsync())
        {
            if (operation["requestBody"]?["content"]?["application/json"] is not { } body)
            {
                continue;
            }

            var known = schemas[((string)body["schema"]!["$ref"]!).Split('/')[^1]]!["properties"]!.AsObject().Select(property => property.Key).ToHashSet();
            var examples = body["examples"]?.AsObject().Select(example => example.Value!["value"]!).ToList() ?? [];
            if (examples.Count == 0 && body["example"] is null && !schemas[((string)body["schema"]!["$ref"]!).Split('/')[^1]]!.ToJsonString().Contains("\"example", StringComparison.Ordinal))
            {
                complaints.Add($"{name}: no example");
            }

            complaints.AddRange(from example in examples
                                from member in example.AsObject()
                                where !known.Contains(member.Key)
                                select $"{name}: the example's {member.Key} is unknown");
        }

        Assert.True(complaints.Count == 0, string.Join("\n", complaints));
    }

    [Fact]
    public async Task Writes_Each_KnowDryRun()
    {
        // the planner computes: it is a POST for its body's sake
        Assert.Equal(
            ["post /v1/planner/page-tables"],
            from write in await OperationsAsync()
            where !write.Name.StartsWith("get ", StringComparison.Ordinal)
            where write.Operation["parameters"]?.AsArray().Any(parameter => (string?)parameter!["name"] == "dryRun") is not true
            select write.Name);
    }

    [Fact]
    public async Task Sizes_InRequests_AreAnIntegerOrNdctlsText()
    {
        var capacity = (await ParseAsync())["components"]!["schemas"]!["CreateDimmRequest"]!["properties"]!["capacity"]!;
        var schema = capacity["$ref"] is { } reference ? (await ParseAsync())["components"]!["schemas"]![((string)reference!).Split('/')[^1]]! : capacity;
        if (schema["oneOf"]!.AsArray().Select(form => (string?)form!["$ref"]).FirstOrDefault(target => target is not null) is { } inner)
        {
            schema = (await ParseAsync())["components"]!["schemas"]![inner.Split('/')[^1]]!;
        }

        var forms = schema["oneOf"]!.AsArray().Select(form => (string?)form!["type"]).ToList();
        Assert.Contains("integer", forms);
        Assert.Contains("string", forms);
    }

    private static async Task<IEnumerable<(string Name, JsonNode Operation)>> OperationsAsync() =>
        from path in (await ParseAsync())["paths"]!.AsObject()
        from operation in path.Value!.AsObject()
        where operation.Key is "get" or "put" or "post" or "delete" or "patch"
        select ($"{operation.Key} {path.Key}", operation.Value!);

    private static async Task<JsonNode> ParseAsync() => JsonNode.Parse(await Described.Value)!;

    private static async Task<string> DescribeAsync()
    {
        await using var app = ApiFixture.Build("Host=127.0.0.1", []);
        return await OpenApiSetup.DescribeAsync(app);
    }

    private static string Root()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory!.FullName, "PmemFleet.sln")))
        {
            directory = directory.Parent;
        }

        return directory.FullName;
    }
}
