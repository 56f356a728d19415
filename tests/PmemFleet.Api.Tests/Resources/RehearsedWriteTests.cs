using System.Net;
using System.Text;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Processes;

namespace PmemFleet.Api.Tests.Resources;

/// <summary><c>?dryRun=true</c> of what a worker does, over the product's own worker: the answer of the real thing, and nothing else.</summary>
public sealed class RehearsedWriteTests(RealWorkerFixture fixture) : IClassFixture<RealWorkerFixture>
{
    private const int Capacity = 64 << 20;
    private const int LabelSize = 128 << 10;

    private readonly HttpClient _api = fixture.Admin;

    [Fact]
    public async Task ProcessWrites_AsDryRuns_GiveTheAnswersOfTheRealOnesAndLeaveNoEvent()
    {
        await _api.CreateReadyHostAsync("""{"name":"dry","dimms":[{"capacity":"256M"}],"regions":[{"dimms":["nmem0"]}]}""");
        await LabelAsync("dry");
        await OkAsync("/v1/hosts/dry/namespaces", """{"mode":"devdax","size":"128M"}""", HttpStatusCode.Created);
        const string Processes = "/v1/hosts/dry/processes";

        await BothAsync(HttpMethod.Post, Processes, """{"comm":"redis"}""", 201);
        var pid = Assert.Single((await _api.GetAsync<ListPage<ProcessDto>>(Processes)).Items).Pid;
        var process = $"{Processes}/{pid}";
        await BothAsync(HttpMethod.Post, $"{process}/mappings", """{"device":"dax0.0","length":"8M","flags":["private"]}""", 422);
        await BothAsync(HttpMethod.Post, $"{process}/mappings", """{"device":"dax0.0","length":"8M"}""", 201);
        await BothAsync(HttpMethod.Post, $"{process}/accesses", """{"mapping":1,"kind":"read","length":"8M","stride":"4K","trace":true}""", 200);
        await BothAsync(HttpMethod.Post, $"{process}/accesses", """{"mapping":1,"kind":"write","data":"aGVsbG8=","returnData":true}""", 200);
        await BothAsync(HttpMethod.Post, $"{process}/system-calls", """{"call":"madvise","mapping":1,"advice":"dontneed"}""", 200);
        await BothAsync(HttpMethod.Post, $"{process}/fork", null, 201);
        await BothAsync(HttpMethod.Patch, $"{process}/mappings/1", """{"protection":["read"]}""", 200);
        await BothAsync(HttpMethod.Delete, $"{process}/mappings/1", null, 204);
        await BothAsync(HttpMethod.Delete, process, null, 204);
        await BothAsync(HttpMethod.Delete, process, null, 404);
    }

    [Fact]
    public async Task IdempotencyKey_OfADryRun_IsNotUsedUpByIt()
    {
        await _api.CreateReadyHostAsync("""{"name":"dry-key","dimms":[{"capacity":"64M"}],"regions":[{"dimms":["nmem0"]}]}""");
        foreach (var query in (string[])["?dryRun=true", string.Empty])
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"/v1/hosts/dry-key/processes{query}") { Content = new StringContent("{}", Encoding.UTF8, "application/json") };
            request.Headers.Add("Idempotency-Key", "one-key");
            using var taken = await _api.SendAsync(request);
            Assert.Equal((201, query.Length > 0), ((int)taken.StatusCode, taken.Headers.Contains("Dry-Run")));
        }

        Assert.Single((await _api.GetAsync<ListPage<ProcessDto>>("/v1/hosts/dry-key/processes")).Items);
    }

    [Theory]
    [InlineData("raw", 4096)]
    [InlineData("sector", 4096)]
    [InlineData("raw", 1)]
    public async Task DataWrite_AsADryRun_StoresNothing(string mode, int length)
    {
        var host = $"dry-{mode}-{length}";
        await _api.CreateReadyHostAsync($$"""{"name":"{{host}}","dimms":[{"capacity":"{{Capacity}}"}],"regions":[{"dimms":["nmem0"]}]}""");
        await LabelAsync(host);
        await OkAsync($"/v1/hosts/{host}/namespaces", $$"""{"mode":"{{mode}}","size":"32M"}""", HttpStatusCode.Created);
        var data = $"/v1/hosts/{host}/namespaces/namespace0.0/data";
        byte[] bytes = [.. Enumerable.Repeat((byte)0x5a, length)];

        using var planned = await _api.PutBytesAsync($"{data}?offset=8192&dryRun=true", bytes);
        Assert.Equal(new byte[4096], await _api.GetByteArrayAsync(new Uri($"{data}?offset=8192&length=4096", UriKind.Relative)));
        using var stale = await _api.PutBytesAsync($"{data}?offset=8192&dryRun=true", bytes, "\"stale\"");
        var tag = (await _api.GetAsync(new Uri(data[..^"/data".Length], UriKind.Relative))).Headers.ETag;
        using var done = await _api.PutBytesAsync($"{data}?offset=8192", bytes, tag!.ToString());

        Assert.Equal(HttpStatusCode.PreconditionFailed, stale.StatusCode);
        Assert.Equal(length == 1 ? HttpStatusCode.UnprocessableEntity : HttpStatusCode.OK, done.StatusCode);
        Assert.Equal(await ShowAsync(done), await ShowAsync(planned));
        Assert.Equal(done.IsSuccessStatusCode, planned.Headers.Contains("Dry-Run"));
        Assert.Equal(length == 1 ? null : tag, done.Headers.ETag);
    }

    [Fact]
    public async Task ImageImport_AsADryRun_ChecksTheBytesAndKeepsNone()
    {
        await _api.CreateReadyHostAsync($$"""{"name":"dry-image","dimms":[{"capacity":{{Capacity}},"labelSize":{{LabelSize}}}],"regions":[{"dimms":["nmem0"]}]}""");
        const string Image = "/v1/hosts/dry-image/dimms/nmem0/image";
        await OkAsync("/v1/hosts/dry-image/regions/region0/disable", "{}");
        var before = await _api.GetByteArrayAsync(new Uri(Image, UriKind.Relative));
        var image = new byte[Capacity + LabelSize];
        image[0] = 1;

        using var planned = await _api.PutBytesAsync($"{Image}?dryRun=true", image);
        using var wrong = await _api.PutBytesAsync($"{Image}?dryRun=true", [.. image, 1]);

        Assert.Equal((202, true), ((int)planned.StatusCode, planned.Headers.Contains("Dry-Run")));
        Assert.Equal("image-length", (await wrong.ReadProblemAsync()).Code);
        Assert.Equal(before, await _api.GetByteArrayAsync(new Uri(Image, UriKind.Relative)));
        using var done = await _api.PutBytesAsync(Image, image);
        Assert.Equal(HttpStatusCode.NoContent, done.StatusCode);
        Assert.Equal(image, await _api.GetByteArrayAsync(new Uri(Image, UriKind.Relative)));
    }

    /// <summary>As a dry run, and then really: the answers are the same, and only the second is in the events.</summary>
    private async Task BothAsync(HttpMethod method, string path, string? json, int status)
    {
        var events = await EventsAsync();
        using var planned = await _api.SendJsonAsync(method, $"{path}?dryRun=true", json, method == HttpMethod.Delete ? "*" : null);
        Assert.Equal(events, await EventsAsync());
        using var done = await _api.SendJsonAsync(method, path, json, method == HttpMethod.Delete ? "*" : null);

        Assert.Equal((path, status, await ShowAsync(done)), (path, (int)planned.StatusCode, await ShowAsync(planned)));
        Assert.Equal(done.IsSuccessStatusCode, planned.Headers.Contains("Dry-Run"));
        Assert.False(done.Headers.Contains("Dry-Run"));
    }

    /// <summary>The answer without what is of the request alone.</summary>
    private static async Task<string> ShowAsync(HttpResponseMessage answer)
    {
        var body = (await answer.Content.ReadAsStringAsync()).Split("\"traceId\"")[0].Split("\"instance\"")[0];
        return $"{(int)answer.StatusCode} {answer.Headers.Location} {answer.Headers.ETag} {body}";
    }

    private async Task<int> EventsAsync() => await fixture.WriteAsync(db => Task.FromResult(db.Events.Count(row => row.Subject != null && row.Subject.Contains("/processes"))));

    private async Task OkAsync(string path, string json, HttpStatusCode status = HttpStatusCode.OK)
    {
        using var answer = await _api.SendJsonAsync(HttpMethod.Post, path, json);
        Assert.True(answer.StatusCode == status, $"{path}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
    }

    private async Task LabelAsync(string host)
    {
        await OkAsync($"/v1/hosts/{host}/regions/region0/disable", "{}");
        await OkAsync($"/v1/hosts/{host}/dimms/nmem0/labels/init", """{"version":"1.2"}""");
        await OkAsync($"/v1/hosts/{host}/regions/region0/enable", "{}");
    }
}
