using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using PmemFleet.Api.Fleets;

namespace PmemFleet.Lab.Scenarios;

/// <summary>A fleet, what is done to it, and what has to be true of it then.</summary>
internal sealed record Scenario
{
    public required string Name { get; init; }

    /// <summary>A fleet document; applied first, and its namespaces are waited for.</summary>
    public JsonNode? Fleet { get; init; }

    /// <summary>What is done, in order.</summary>
    public IReadOnlyList<ScenarioStep>? Steps { get; init; }

    /// <summary>What has to be true at the end.</summary>
    public IReadOnlyList<ScenarioAssertion>? Assertions { get; init; }

    /// <exception cref="InvalidOperationException">The file is no scenario; the message says where.</exception>
    public static Scenario Read(string path)
    {
        try
        {
            using var reader = new StreamReader(path);
            return FleetYaml.ToJson(reader, ScenarioJson.Default.Options.MaxDepth).Deserialize(ScenarioJson.Default.Scenario)
                ?? throw new InvalidOperationException($"{path} is empty");
        }
        catch (FleetYamlException wrong)
        {
            throw new InvalidOperationException($"{path}, line {wrong.Line}: {wrong.Message}", wrong);
        }
        catch (JsonException wrong)
        {
            throw new InvalidOperationException($"{path}, at {wrong.Path}: {wrong.Message}", wrong);
        }
    }
}

/// <summary>One request, workload or campaign.</summary>
internal sealed record ScenarioStep
{
    public string? Name { get; init; }

    /// <summary><c>METHOD path</c>; <c>${name}</c> is what a former step saved.</summary>
    public string? Request { get; init; }

    /// <summary>The request's document; texts may hold <c>${name}</c>.</summary>
    public JsonNode? Body { get; init; }

    /// <summary>The request's bytes: so many, all of <see cref="Fill"/>.</summary>
    public int? Bytes { get; init; }

    /// <summary>The value of each byte.</summary>
    public int Fill { get; set; } = 0x5a;

    /// <summary>The status that has to come; default: any of success.</summary>
    public int? Status { get; init; }

    /// <summary>A document for <c>POST /v1/workloads</c>; followed to its end, and the workload is the answer.</summary>
    public JsonNode? Workload { get; init; }

    /// <summary>A document for <c>POST /v1/campaigns</c>; likewise.</summary>
    public JsonNode? Campaign { get; init; }

    /// <summary>Names for values of the answer, by JSON pointer.</summary>
    public IReadOnlyDictionary<string, string>? Save { get; init; }

    /// <summary>What has to be true of the answer.</summary>
    public IReadOnlyList<ScenarioAssertion>? Assertions { get; init; }
}

/// <summary>Something that has to be true; exactly one of the comparisons.</summary>
internal sealed record ScenarioAssertion
{
    public string? Name { get; init; }

    /// <summary>A path to read; absent in a step: its answer.</summary>
    public string? Get { get; init; }

    /// <summary>JSON pointer of the value; absent: the whole document.</summary>
    public string? At { get; init; }

    [JsonPropertyName("equals")]
    public JsonNode? EqualTo { get; init; }

    /// <summary>A number that the value reaches.</summary>
    public double? AtLeast { get; init; }

    /// <summary>A number that the value does not exceed.</summary>
    public double? AtMost { get; init; }

    /// <summary>Items of a list.</summary>
    public int? Count { get; init; }

    /// <summary>A regular expression for a text.</summary>
    public string? Matches { get; init; }

    /// <summary>True: there is such a value; false: there is none, or null.</summary>
    public bool? Exists { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, MaxDepth = 64, WriteIndented = true)]
[JsonSerializable(typeof(Scenario))]
[JsonSerializable(typeof(ScenarioVerdict))]
internal sealed partial class ScenarioJson : JsonSerializerContext;
