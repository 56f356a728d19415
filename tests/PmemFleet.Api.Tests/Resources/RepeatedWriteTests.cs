using System.Text;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Processes;

namespace PmemFleet.Api.Tests.Resources;

/// <summary>Idempotency-Keys of what a worker does at once: a key is its caller's own, and a repeat says that it is one.</summary>
public sealed class RepeatedWriteTests(RealWorkerFixture fixture) : IClassFixture<RealWorkerFixture>
{
    private readonly HttpClient _api = fixture.Admin;

    [Fact]
    public async Task Key_OfTwoCallers_IsTwoKeys()
    {
        await HostAsync("two-callers");
        using var one = fixture.Client(await fixture.CreateKeyAsync("operator"));
        using var other = fixture.Client(await fixture.CreateKeyAsync("operator"));

        var first = await StartAsync(one, "two-callers", """{"comm":"redis"}""");
        var same = await StartAsync(other, "two-callers", """{"comm":"redis"}""");
        var different = await StartAsync(other, "two-callers", """{"comm":"memcached"}""");

        Assert.Equal((201, false), (first.Status, first.IsReplayed));
        Assert.Equal((201, false), (same.Status, same.IsReplayed));
        Assert.NotEqual(first.Body, same.Body);
        Assert.Equal(422, different.Status);
        Assert.Contains("idempotency-key-reused", different.Body, StringComparison.Ordinal);
        Assert.Equal(2, (await _api.GetAsync<ListPage<ProcessDto>>("/v1/hosts/two-callers/processes")).Items.Count);
    }

    [Fact]
    public async Task Repeat_OfACreate_GivesItsAnswerAndSaysSo()
    {
        await HostAsync("repeat");

        var first = await StartAsync(_api, "repeat", "{}");
        var again = await StartAsync(_api, "repeat", "{}");

        Assert.Equal(first with { IsReplayed = true }, again);
        Assert.False(first.IsReplayed);
        Assert.Single((await _api.GetAsync<ListPage<ProcessDto>>("/v1/hosts/repeat/processes")).Items);
    }

    [Fact]
    public async Task Repeat_AfterABoot_StartsAnew()
    {
        await HostAsync("boots");
        var first = await StartAsync(_api, "boots", "{}");
        await _api.PostAsync<Contracts.Hosts.HostDto>("/v1/hosts/boots/power", """{"action":"cycle"}""");
        await _api.UntilReadyAsync("boots");

        var again = await StartAsync(_api, "boots", "{}");

        Assert.Equal((201, false, 201, false), (first.Status, first.IsReplayed, again.Status, again.IsReplayed));
    }

    private static async Task<Given> StartAsync(HttpClient caller, string host, string json)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/v1/hosts/{host}/processes") { Content = new StringContent(json, Encoding.UTF8, "application/json") };
        request.Headers.Add("Idempotency-Key", "one-key");
        using var answer = await caller.SendAsync(request);
        return new Given(
            (int)answer.StatusCode, answer.Headers.Location?.ToString(), answer.Headers.ETag?.ToString(), await answer.Content.ReadAsStringAsync(), answer.Headers.Contains("Idempotency-Replayed"));
    }

    private Task<Contracts.Hosts.HostDto> HostAsync(string name) => _api.CreateReadyHostAsync($$"""{"name":"{{name}}","dimms":[{"capacity":"64M"}],"regions":[{"dimms":["nmem0"]}]}""");

    private sealed record Given(int Status, string? Location, string? Etag, string Body, bool IsReplayed);
}
