using System.Net;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Processes;

namespace PmemFleet.Api.Tests.Resources;

/// <summary>If-Match of what a worker keeps: the look and the change are one, over the product's own worker.</summary>
public sealed class ConditionalDataPlaneTests(RealWorkerFixture fixture) : IClassFixture<RealWorkerFixture>
{
    private const int Writers = 16;

    private readonly HttpClient _api = fixture.Admin;

    [Fact]
    public async Task Patches_OfOneTagAtOnce_OneIsDone()
    {
        var mapping = await MapAsync("patches");
        foreach (var protection in (string[])["\"read\"", "\"read\",\"write\"", "\"read\"", "\"none\""])
        {
            var tag = await TagAsync(mapping);

            var answers = await Task.WhenAll(Enumerable.Range(0, Writers).Select(_ => _api.SendJsonAsync(HttpMethod.Patch, mapping, $$"""{"protection":[{{protection}}]}""", tag)));

            var done = Assert.Single(answers, answer => answer.StatusCode == HttpStatusCode.OK);
            Assert.Equal(Writers - 1, answers.Count(answer => answer.StatusCode == HttpStatusCode.PreconditionFailed));
            Assert.Equal(await TagAsync(mapping), done.Headers.ETag!.ToString());
            Assert.NotEqual(tag, done.Headers.ETag.ToString());
        }
    }

    [Fact]
    public async Task Refusal_SaysTheTagThatItIsNow()
    {
        var mapping = await MapAsync("stale");

        using var answer = await _api.SendJsonAsync(HttpMethod.Delete, mapping, null, "\"other\"");
        var problem = await answer.ReadProblemAsync();

        Assert.Equal((412, "precondition-failed", await TagAsync(mapping)), ((int)answer.StatusCode, problem.Code, problem.Numbers!["etag"]));
        await _api.RemoveAsync(mapping, await TagAsync(mapping));
        await _api.RefusedAsync(HttpMethod.Get, mapping, null, HttpStatusCode.NotFound);
    }

    private async Task<string> TagAsync(string path) => (await _api.GetAsync(new Uri(path, UriKind.Relative))).Headers.ETag!.ToString();

    /// <summary>The path of a mapping of 8 MiB.</summary>
    private async Task<string> MapAsync(string host)
    {
        await _api.CreateReadyHostAsync($$"""{"name":"{{host}}","dimms":[{"capacity":"256M"}],"regions":[{"dimms":["nmem0"]}]}""");
        await OkAsync($"/v1/hosts/{host}/regions/region0/disable", "{}");
        await OkAsync($"/v1/hosts/{host}/dimms/nmem0/labels/init", """{"version":"1.2"}""");
        await OkAsync($"/v1/hosts/{host}/regions/region0/enable", "{}");
        await OkAsync($"/v1/hosts/{host}/namespaces", """{"mode":"devdax","size":"128M"}""");
        var process = await _api.PostAsync<ProcessDto>($"/v1/hosts/{host}/processes", "{}", HttpStatusCode.Created);
        var mapping = await _api.PostAsync<MappingDto>($"/v1/hosts/{host}/processes/{process.Pid}/mappings", """{"device":"dax0.0","length":"8M"}""", HttpStatusCode.Created);
        return $"/v1/hosts/{host}/processes/{process.Pid}/mappings/{mapping.Id}";
    }

    private async Task OkAsync(string path, string json)
    {
        using var answer = await _api.SendJsonAsync(HttpMethod.Post, path, json);
        Assert.True(answer.IsSuccessStatusCode, $"{path}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
    }
}
