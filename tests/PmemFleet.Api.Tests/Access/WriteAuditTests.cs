using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using PmemFleet.Api.Tests.Support;

namespace PmemFleet.Api.Tests.Access;

/// <summary>Every write of the OpenAPI document, with the product's own worker: a dry run of it leaves nothing, it itself leaves an event with its caller's name
/// and answers with the ETag of what it shows, and it holds If-Match against a tag where the document says so.</summary>
public sealed partial class WriteAuditTests(RealWorkerFixture api) : IClassFixture<RealWorkerFixture>
{
    private const string Auditor = "the auditor";
    private readonly Dictionary<string, string> _kept = [];

    [Fact]
    public async Task Table_HoldsEveryWriteOfTheDocument_AndEachKnowsDryRun()
    {
        var document = JsonNode.Parse(await api.Admin.GetStringAsync(new Uri("/openapi/v1.json", UriKind.Relative)))!;
        var writes = (from path in document["paths"]!.AsObject()
                      from method in path.Value!.AsObject()
                      where method.Key is "put" or "post" or "delete" or "patch"
                      select (Name: $"{method.Key.ToUpperInvariant()} {path.Key}", Operation: method.Value!)).Where(write => !WriteTable.NoWrites.Contains(write.Name)).ToList();
        Assert.Equal(writes.Select(write => write.Name).Order(StringComparer.Ordinal), WriteTable.All.Select(row => $"{row.Method} {row.Template}").Distinct().Order(StringComparer.Ordinal));
        Assert.Empty(writes.Where(write => !write.Operation["parameters"]!.AsArray().Any(parameter => (string?)parameter!["name"] == "dryRun")).Select(write => write.Name));
    }

    [Fact]
    public async Task Write_EachThatGoesWell_LeavesAnEventOfItsCallerAndItsDryRunNone()
    {
        var made = await api.Admin.PostAsJsonAsync("/v1/api-keys", new { name = Auditor, role = "admin" });
        using var http = api.Client((string)JsonNode.Parse(await made.Content.ReadAsStringAsync())!["key"]!);
        http.Timeout = TimeSpan.FromMinutes(2);
        await Eventually.Async(async () => (await ItemsAsync(http, "/v1/workers")).Count == 1, TimeSpan.FromSeconds(30));
        _kept["worker"] = (string)(await ItemsAsync(http, "/v1/workers"))[0]!["name"]!;
        var wrong = new List<string>();
        var paths = JsonNode.Parse(await http.GetStringAsync(new Uri("/openapi/v1.json", UriKind.Relative)))!["paths"]!;
        foreach (var row in WriteTable.All)
        {
            if (row is { Method: "POST", Errno: null })
            {
                var stale = await SendAsync(http, row, dryRun: false, ifMatch: "\"of-nothing\"");
                var says = paths[row.Template]!["post"]!["parameters"]!.AsArray().Any(parameter => (string?)parameter!["name"] == "If-Match");
                if (!stale.Text.StartsWith("412", StringComparison.Ordinal) || says != stale.Text.Contains("\"etag\"", StringComparison.Ordinal))
                {
                    wrong.Add($"{row.Method} {row.Path} with a stale If-Match, which the document {(says ? "has" : "has not")}: {stale.Text}");
                }
            }

            var before = await LastAsync(http);
            var rehearsed = await SendAsync(http, row, dryRun: true);
            if ((row.Errno is null) != rehearsed.Ok || (row.Errno is null && !rehearsed.IsDry))
            {
                wrong.Add($"dry run of {row.Method} {row.Path}: {rehearsed.Text}");
            }

            if (await OfAuditorAsync(http, before) is { Count: > 0 } early)
            {
                wrong.Add($"dry run of {row.Method} {row.Path} left {early[0]!.ToJsonString()}");
            }

            before = await LastAsync(http);
            var answer = await SendAsync(http, row, dryRun: false);
            Assert.True((row.Errno is null) == answer.Ok && !answer.IsDry, $"{row.Method} {row.Path}: {answer.Text}");
            var left = await OfAuditorAsync(http, before);
            if (row.Errno is null ? left.Count == 0 : left.Count > 0 || !answer.Text.Contains($"\"{row.Errno}\"", StringComparison.Ordinal))
            {
                wrong.Add($"{row.Method} {row.Path} left {left.Count} events: {answer.Text}");
            }

            if (row.Keep is var (member, name))
            {
                _kept[name] = (string)JsonNode.Parse(answer.Text)![member]!;
            }

            if (row.Errno is null && answer.Text.Length > 0 && WriteTable.Unversioned.Contains($"{row.Method} {row.Template}") != (answer.Etag is null))
            {
                wrong.Add($"{row.Method} {row.Path} has {answer.Etag ?? "no ETag"}: {answer.Text}");
            }

            if (row.Read is { } read)
            {
                using var shown = await http.GetAsync(new Uri(PathOf(read), UriKind.Relative));
                if (shown.Headers.ETag?.Tag != answer.Etag)
                {
                    wrong.Add($"{row.Method} {row.Path} has {answer.Etag}, and {read} {shown.Headers.ETag}");
                }
            }

            if (row.Ends is { } operation)
            {
                await Eventually.Async(async () => (string?)JsonNode.Parse(await http.GetStringAsync(new Uri(PathOf(operation), UriKind.Relative)))!["endedAt"] is not null, TimeSpan.FromSeconds(30));
            }

            if (row.Boots)
            {
                await http.UntilReadyAsync("audit");
            }
        }

        Assert.True(wrong.Count == 0, string.Join("\n", wrong));
    }

    private string PathOf(string path) => Kept().Replace(path, match => _kept[match.Groups[1].Value]);

    private async Task<(bool Ok, bool IsDry, string? Etag, string Text)> SendAsync(HttpClient http, WriteRow row, bool dryRun, string? ifMatch = null)
    {
        var path = PathOf(row.Path);
        using var request = new HttpRequestMessage(new HttpMethod(row.Method), dryRun ? $"{path}{(path.Contains('?', StringComparison.Ordinal) ? '&' : '?')}dryRun=true" : path);
        request.Headers.Add("Prefer", row.Async ? "respond-async" : "wait=60");
        if (ifMatch is not null || row.Method is "PUT" or "DELETE")
        {
            request.Headers.TryAddWithoutValidation("If-Match", ifMatch ?? "*");
        }

        request.Content = row.Bytes is { } bytes ? new ByteArrayContent(new byte[bytes]) { Headers = { ContentType = new("application/octet-stream") } }
            : row.Json is { } json ? new StringContent(json, Encoding.UTF8, "application/json") : null;
        using var response = await http.SendAsync(request);
        return (response.IsSuccessStatusCode, response.Headers.Contains("Dry-Run"), response.Headers.ETag?.Tag, $"{(response.IsSuccessStatusCode ? string.Empty : (int)response.StatusCode)}{await response.Content.ReadAsStringAsync()}");
    }

    private static async Task<JsonArray> ItemsAsync(HttpClient http, string path) =>
        JsonNode.Parse(await http.GetStringAsync(new Uri(path, UriKind.Relative)))!["items"]!.AsArray();

    private static async Task<long> LastAsync(HttpClient http)
    {
        var last = 0L;
        while (await ItemsAsync(http, $"/v1/events?limit=1000&after={last}") is { Count: > 0 } items)
        {
            last = (long)items[^1]!["seq"]!;
        }

        return last;
    }

    private static async Task<List<JsonNode?>> OfAuditorAsync(HttpClient http, long after) =>
        [.. (await ItemsAsync(http, $"/v1/events?limit=1000&after={after}")).Where(item => (string?)item!["actor"] == Auditor && (long)item["seq"]! > after)];

    [GeneratedRegex("{([a-z]+)}")]
    private static partial Regex Kept();
}
