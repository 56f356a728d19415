using System.IO.Compression;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Campaigns;
using PmemFleet.Contracts.Operations;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Tests.Resources;

/// <summary>Campaigns: a task for each host, one operation, one log.</summary>
public sealed class CampaignTests(ResourceFixture fixture) : IClassFixture<ResourceFixture>
{
    private const string Sources = "\"durationSeconds\":3600,\"sources\":[{\"perDimmHour\":1}]";
    private readonly HttpClient _api = fixture.Admin;

    [Fact]
    public async Task Create_OverTwoHosts_MergesTheirLogsAndCounts()
    {
        await HostAsync("camp-1");
        await HostAsync("camp-2");
        var first = (await _api.GetAsync<Contracts.Lists.ListPage<Contracts.Dimms.DimmDto>>("/v1/hosts/camp-1/dimms")).Items[0].Id;
        fixture.Worker.OnStep = step => step is CampaignStep part ? Part(part.Dimms[0].DimmId == first ? 1 : 2) : null;

        var campaign = await _api.PostAsync<CampaignDto>("/v1/campaigns", $$"""{"seed":7,"labelSelector":"set=camp",{{Sources}}}""");

        const string Expected = "000000000001.000000 camp-1/nmem0 1\n000000000002.000000 camp-2/nmem0 2\n000000000003.000000 camp-1/nmem0 1\n000000000004.000000 camp-2/nmem0 2\n";
        Assert.Equal(("succeeded", 2, 2, 4L), (campaign.State, campaign.Hosts, campaign.HostsDone, campaign.Result!.Summary.Errors));
        Assert.Equal(Expected, await _api.GetStringAsync(new Uri($"/v1/campaigns/{campaign.Id}/log", UriKind.Relative)));
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Expected))), campaign.Result.LogSha256);
        Assert.Equal(campaign.Result.LogSha256, (await _api.GetAsync<CampaignDto>($"/v1/campaigns/{campaign.Id}")).Result!.LogSha256);
        Assert.Equal("succeeded", (await _api.GetAsync<OperationDto>($"/v1/operations/{campaign.OperationId}")).State);
    }

    [Fact]
    public async Task Cancel_BeforeAnyWorkerHasSeenIt_EndsTheOperation()
    {
        await _api.PostAsync<Contracts.Hosts.HostDto>("/v1/hosts", """{"name":"camp-idle","labels":{"set":"idle"},"mediaPool":"nobody","dimms":[{"capacity":"64M"}]}""", HttpStatusCode.Created);
        await _api.PostAsync<Contracts.Hosts.HostDto>("/v1/hosts", """{"name":"camp-idle-2","labels":{"set":"idle"},"mediaPool":"nobody","dimms":[{"capacity":"64M"}]}""", HttpStatusCode.Created);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/campaigns") { Content = new StringContent($$"""{"labelSelector":"set=idle",{{Sources}}}""", Encoding.UTF8, "application/json") };
        request.Headers.Add("Prefer", "respond-async");
        var accepted = await (await _api.SendAsync(request)).ExpectAsync<OperationDto>(HttpStatusCode.Accepted);

        var ended = await _api.PostAsync<OperationDto>($"/v1/operations/{accepted.Id}/cancel", "{}");

        Assert.Equal("cancelled", ended.State);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Create_ItsLastHostIsDeletedMeanwhile_EndsAllTheSame(bool isHeld)
    {
        var set = isHeld ? "gone-held" : "gone-idle";
        var worker = isHeld ? await ScriptedWorker.JoinAsync(fixture, set, pool: set) : null;
        var host = await SendAsync(HttpMethod.Post, "/v1/hosts", $$$"""{"name":"{{{set}}}","labels":{"set":"{{{set}}}"},"mediaPool":"{{{set}}}","dimms":[{"capacity":"64M"}]}""");
        Assert.Equal(HttpStatusCode.Created, host.StatusCode);
        if (worker is not null)
        {
            await worker.SyncAsync(0, [ScriptedWorker.Done(await worker.ReceiveAsync("boot"))]);
        }

        var accepted = await (await SendAsync(HttpMethod.Post, "/v1/campaigns", $$"""{"labelSelector":"set={{set}}",{{Sources}}}""")).ExpectAsync<OperationDto>(HttpStatusCode.Accepted);
        Assert.True((await SendAsync(HttpMethod.Delete, $"/v1/hosts/{set}", null)).IsSuccessStatusCode);
        if (worker is not null)
        {
            // the media is gone; the campaign's result never comes
            var delete = worker.Received.Find(one => one.Task.Kind == "delete-host") is { Task: not null } early ? early : await worker.ReceiveAsync("delete-host");
            await worker.SyncAsync(0, [ScriptedWorker.Done(delete)]);
        }

        var ended = await _api.GetAsync<OperationDto>($"/v1/operations/{accepted.Id}");
        Assert.Equal(("failed", "host-deleted"), (ended.State, ended.Refusal?.Code));
    }

    [Theory]
    [InlineData("""{"durationSeconds":3600,"sources":[]}""", "sources")]
    [InlineData("""{"durationSeconds":0,"sources":[{"perDimmHour":1}]}""", "duration")]
    [InlineData("""{"durationSeconds":60,"sources":[{"perDimmHour":1,"intervalSeconds":1}]}""", "rate-or-interval")]
    [InlineData("""{"durationSeconds":60,"sources":[{"perDimmHour":1e9}]}""", "too-many-errors")]
    [InlineData("""{"durationSeconds":60,"sources":[{"intervalSeconds":1,"probability":2}]}""", "source-values")]
    [InlineData("""{"durationSeconds":60,"labelSelector":"no=body","sources":[{"perDimmHour":1}]}""", "no-target")]
    [InlineData("""{"durationSeconds":60,"effect":"destroy","sources":[{"perDimmHour":1}]}""", "effect")]
    public async Task Create_Impossible_IsRefused(string json, string code) =>
        Assert.Equal(code, (await _api.RefusedAsync(HttpMethod.Post, "/v1/campaigns", json, HttpStatusCode.UnprocessableEntity)).Code);

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string? body)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Add("Prefer", "respond-async");
        if (method == HttpMethod.Delete)
        {
            request.Headers.TryAddWithoutValidation("If-Match", "*");
        }

        return await _api.SendAsync(request);
    }

    private static StepCampaign Part(int host)
    {
        using var log = new MemoryStream();
        using (var gzip = new GZipStream(log, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(Encoding.UTF8.GetBytes($"00000000000{host}.000000 camp-{host}/nmem0 {host}\n00000000000{host + 2}.000000 camp-{host}/nmem0 {host}\n"));
        }

        return new StepCampaign { Part = new CampaignPartDto { Summary = new CampaignSummaryDto { Dimms = 1, Errors = 2, NeverFound = 2 }, Log = log.ToArray() } };
    }

    private Task<Contracts.Hosts.HostDto> HostAsync(string name) => _api.CreateReadyHostAsync($$$"""{"name":"{{{name}}}","labels":{"set":"camp"},"dimms":[{"capacity":"64M"}]}""");
}
