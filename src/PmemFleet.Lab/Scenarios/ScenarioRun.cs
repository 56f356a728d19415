using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace PmemFleet.Lab.Scenarios;

/// <summary>Runs a scenario against an Api. A step that fails ends it; a failed assertion does not.</summary>
internal sealed partial class ScenarioRun(Scenario scenario, HttpClient http, TimeProvider time, Action<ScenarioCheck> report)
{
    private static readonly TimeSpan Bound = TimeSpan.FromMinutes(5);

    private readonly ScenarioClient _client = new(http, time);
    private readonly Dictionary<string, JsonNode> _saved = [];
    private readonly List<ScenarioCheck> _checks = [];

    public async Task<ScenarioVerdict> RunAsync(CancellationToken cancellation)
    {
        if (await ApplyFleetAsync(cancellation))
        {
            var isAlive = true;
            foreach (var (step, number) in (scenario.Steps ?? []).Select((step, index) => (step, index + 1)))
            {
                if (isAlive)
                {
                    isAlive = await StepAsync(step, step.Name ?? step.Request ?? $"step {number}", cancellation);
                }
            }

            foreach (var assertion in isAlive ? scenario.Assertions ?? [] : [])
            {
                await AssertAsync(assertion, null, cancellation);
            }
        }

        return new ScenarioVerdict(scenario.Name, _checks.TrueForAll(check => check.Passed), _checks);
    }

    private async Task<bool> ApplyFleetAsync(CancellationToken cancellation)
    {
        if (scenario.Fleet is not { } fleet)
        {
            return true;
        }

        var answer = await _client.SendAsync(HttpMethod.Put, "/v1/fleet", fleet, null, cancellation);
        if (!Note("the fleet is applied", answer.Status == 200, Text(answer.Document)))
        {
            return false;
        }

        var start = time.GetTimestamp();
        while (time.GetElapsedTime(start) < Bound)
        {
            var open = await _client.SendAsync(HttpMethod.Get, "/v1/namespaces?state=pending&limit=1", null, null, cancellation);
            var booting = await _client.SendAsync(HttpMethod.Get, "/v1/operations?kind=boot&state=running&limit=1", null, null, cancellation);
            var applying = await _client.SendAsync(HttpMethod.Get, "/v1/operations?kind=apply-fleet&state=pending&limit=1", null, null, cancellation);
            if (new[] { open, booting, applying }.All(page => page.Document?["items"] is JsonArray { Count: 0 }))
            {
                return Note("its namespaces are bound", true, null);
            }

            await Task.Delay(TimeSpan.FromMilliseconds(200), time, cancellation);
        }

        return Note("its namespaces are bound", false, $"not within {Bound.TotalMinutes} minutes");
    }

    private async Task<bool> StepAsync(ScenarioStep step, string name, CancellationToken cancellation)
    {
        var answer = step switch
        {
            { Workload: { } workload } => await MadeAsync("/v1/workloads", workload, cancellation),
            { Campaign: { } campaign } => await MadeAsync("/v1/campaigns", campaign, cancellation),
            { Request: { } request } when Line().Match(request) is { Success: true } line => await _client.SendAsync(
                HttpMethod.Parse(line.Groups["method"].Value),
                Filled(line.Groups["path"].Value),
                step.Body is { } body ? FilledDocument(body) : null,
                step.Bytes is { } count ? [.. Enumerable.Repeat((byte)step.Fill, count)] : null,
                cancellation),
            _ => throw new InvalidOperationException($"{name}: a step has a request 'METHOD /path', a workload or a campaign"),
        };
        var isAsWanted = step.Status is { } wanted ? answer.Status == wanted : answer.Status is >= 200 and < 300;
        if (!Note(name, isAsWanted, $"status {answer.Status}: {Text(answer.Document)}"))
        {
            return false;
        }

        foreach (var (variable, pointer) in step.Save ?? new Dictionary<string, string>())
        {
            if (JsonPlace.Find(answer.Document, pointer) is not { } value)
            {
                return Note($"{name}: {variable}", false, $"there is nothing at {pointer}: {Text(answer.Document)}");
            }

            _saved[variable] = value.DeepClone();
        }

        foreach (var assertion in step.Assertions ?? [])
        {
            await AssertAsync(assertion, answer, cancellation);
        }

        return true;
    }

    /// <summary>Something that runs: it is made, followed to its end, and read.</summary>
    private async Task<ScenarioAnswer> MadeAsync(string path, JsonNode document, CancellationToken cancellation)
    {
        var made = await _client.SendAsync(HttpMethod.Post, path, FilledDocument(document), null, cancellation);
        if (made.Status >= 300 || (string?)made.Document?["id"] is not { } id)
        {
            return made;
        }

        var operation = (string?)(made.Document["operationId"] ?? made.Document["operation"]);
        if (operation is not null)
        {
            var ended = await _client.FollowAsync(operation.StartsWith('/') ? operation : $"/v1/operations/{operation}", time.GetTimestamp(), cancellation);
            if (ended.Status >= 300)
            {
                return ended;
            }
        }

        return await _client.SendAsync(HttpMethod.Get, $"{path}/{id}", null, null, cancellation);
    }

    private async Task AssertAsync(ScenarioAssertion assertion, ScenarioAnswer? answer, CancellationToken cancellation)
    {
        var name = assertion.Name ?? $"{assertion.Get}{assertion.At}";
        if (assertion.Get is { } path)
        {
            answer = await _client.SendAsync(HttpMethod.Get, Filled(path), null, null, cancellation);
            if (answer.Status >= 300)
            {
                Note(name, false, $"status {answer.Status}: {Text(answer.Document)}");
                return;
            }
        }

        if (answer is null)
        {
            Note(name, false, "an assertion at the end needs 'get'");
            return;
        }

        var value = JsonPlace.Find(answer.Document, assertion.At);
        Note(name, Holds(assertion, value), $"found {Text(value)}");
    }

    private bool Holds(ScenarioAssertion assertion, JsonNode? value) => assertion switch
    {
        { Exists: { } exists } => value is not null == exists,
        { Count: { } count } => value is JsonArray list && list.Count == count,
        { AtLeast: { } least } => Number(value) >= least,
        { AtMost: { } most } => Number(value) <= most,
        { Matches: { } pattern } => value is not null && Regex.IsMatch(value.ToString(), pattern, RegexOptions.None, TimeSpan.FromSeconds(1)),
        { EqualTo: { } wanted } => JsonNode.DeepEquals(FilledDocument(wanted), value),
        _ => throw new InvalidOperationException($"{assertion.Name ?? assertion.Get}: an assertion compares: equals, atLeast, atMost, count, matches or exists"),
    };

    private static double Number(JsonNode? value) =>
        double.TryParse(value?.ToString(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : double.NaN;

    private string Filled(string text) => Variable().Replace(text, match => Saved(match).ToString());

    /// <summary>A text that is a variable and nothing else becomes its value, a number say.</summary>
    private JsonNode? FilledDocument(JsonNode document) => document switch
    {
        JsonObject map => new JsonObject(map.Select(pair => KeyValuePair.Create(pair.Key, pair.Value is null ? null : FilledDocument(pair.Value)))),
        JsonArray list => new JsonArray([.. list.Select(item => item is null ? null : FilledDocument(item))]),
        JsonValue value when value.TryGetValue<string>(out var text) =>
            Variable().Match(text) is { Success: true } match && match.Length == text.Length ? Saved(match).DeepClone() : JsonValue.Create(Filled(text)),
        _ => document.DeepClone(),
    };

    private JsonNode Saved(Match match) =>
        _saved.TryGetValue(match.Groups["name"].Value, out var value) ? value : throw new InvalidOperationException($"no step saved '{match.Groups["name"].Value}'");

    private static string Text(JsonNode? node) => node?.ToJsonString() is { } text ? text.Length > 400 ? $"{text[..400]}…" : text : "nothing";

    private bool Note(string what, bool passed, string? detail)
    {
        var check = new ScenarioCheck(what, passed, passed ? null : detail);
        _checks.Add(check);
        report(check);
        return passed;
    }

    [GeneratedRegex(@"^(?<method>GET|POST|PUT|PATCH|DELETE) (?<path>/\S*)\z", RegexOptions.ExplicitCapture)]
    private static partial Regex Line();

    [GeneratedRegex(@"\$\{(?<name>[A-Za-z][A-Za-z0-9]*)\}", RegexOptions.ExplicitCapture)]
    private static partial Regex Variable();
}
