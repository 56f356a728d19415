using System.Net;
using System.Text.Json;
using Npgsql;
using PmemFleet.Api.Tests.Support;

namespace PmemFleet.Api.Tests.Resources;

/// <summary>Lists across hosts by labels that all, few or none of them have: the same things in the same order as without, page by page.</summary>
public sealed class LabelledListTests(ResourceFixture fixture) : IClassFixture<ResourceFixture>
{
    private const int Hosts = 12;

    private const string Devices = """
        "dimms":[{"count":2,"capacity":"1G","labelVersion":"1.2"}],"regions":[{"dimms":["nmem0"]},{"dimms":["nmem1"]}],
        "namespaces":[{"region":"*","mode":"devdax","size":"128M","count":2}]
        """;

    private readonly HttpClient _api = fixture.Admin;

    [Fact]
    public async Task List_ByLabelOfAllFewOrNone_IsTheUnlabelledListsPart()
    {
        await ApplyAsync($$"""
            {"hosts":[{"name":"of-{n}","count":{{Hosts - 2}},"labels":{"fleet":"all"},{{Devices}}},
            {"name":"of-1-few-{n}","count":2,"labels":{"fleet":"all","few":"yes"},{{Devices}}}]}
            """);
        foreach (var host in await WalkAsync("hosts", null))
        {
            await _api.UntilReadyAsync(host);
        }

        await using (var connection = await fixture.ConnectAsync())
        {
            await using var errors = new NpgsqlCommand(
                "INSERT INTO media_errors (host_id, dimm_id, dpa, length, poisoned, known) SELECT host_id, id, 4096 * n, 256, true, true FROM dimms, generate_series(1, 3) AS n", connection);
            await errors.ExecuteNonQueryAsync();
        }

        foreach (var (kind, ofEach) in new[] { ("hosts", 1), ("dimms", 2), ("regions", 2), ("namespaces", 4), ("dax-devices", 4), ("media-errors", 6) })
        {
            var all = await WalkAsync(kind, null);
            List<string> few = [.. all.Where(item => item.StartsWith("of-1-few-", StringComparison.Ordinal))];
            Assert.Equal((kind, Hosts * ofEach, 2 * ofEach), (kind, all.Count, few.Count));
            Assert.Equal(all.Distinct(), all);
            foreach (var selector in new[] { "fleet=all", "fleet", "fleet in (some,all)", "fleet!=some", "!none" })
            {
                Assert.Equal(all, await WalkAsync(kind, selector));
            }

            foreach (var selector in new[] { "few=yes", "few", "fleet=all,few in (yes,no)", "few,few!=no" })
            {
                Assert.Equal(few, await WalkAsync(kind, selector));
            }

            Assert.Equal(all.Except(few), await WalkAsync(kind, "!few"));
            Assert.Equal(all.Except(few), await WalkAsync(kind, "fleet=all,few notin (yes)"));
            foreach (var selector in new[] { "few=no", "none", "fleet!=all", "!fleet" })
            {
                Assert.Empty(await WalkAsync(kind, selector));
            }
        }
    }

    private async Task ApplyAsync(string document)
    {
        using var answer = await _api.SendJsonAsync(HttpMethod.Put, "/v1/fleet", document, "*");
        Assert.True(answer.StatusCode == HttpStatusCode.OK, await answer.Content.ReadAsStringAsync());
    }

    /// <summary>All pages; five in each, so that they end within hosts, at their ends, and between few and others.</summary>
    private async Task<List<string>> WalkAsync(string kind, string? selector)
    {
        var items = new List<string>();
        for (string? cursor = string.Empty; cursor is not null;)
        {
            var path = $"/v1/{kind}?limit=5{(selector is null ? string.Empty : $"&labelSelector={Uri.EscapeDataString(selector)}")}{(cursor.Length == 0 ? string.Empty : $"&cursor={cursor}")}";
            using var page = JsonDocument.Parse(await _api.GetStringAsync(new Uri(path, UriKind.Relative)));
            items.AddRange(page.RootElement.GetProperty("items").EnumerateArray().Select(item => string.Join(
                ' ', new[] { "host", "dimm", "name", "dpa" }.Select(member => item.TryGetProperty(member, out var value) ? value.ToString() : null).OfType<string>())));
            cursor = page.RootElement.TryGetProperty("nextCursor", out var next) ? next.GetString() : null;
        }

        return items;
    }
}
