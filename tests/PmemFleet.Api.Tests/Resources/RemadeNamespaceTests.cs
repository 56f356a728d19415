using System.Net;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.DataPlane;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Problems;

namespace PmemFleet.Api.Tests.Resources;

/// <summary>A namespace gets another mode between the Api's look and a data request, and keeps its name, address and uuid.</summary>
public sealed class RemadeNamespaceTests(ResourceFixture fixture) : IClassFixture<ResourceFixture>
{
    private readonly HttpClient _api = fixture.Admin;
    private readonly MediaWorker _worker = fixture.Worker;

    [Fact]
    public async Task Write_OfANamespaceThatWasRemade_LooksAgainAndAsksForTheOneThatIsThere()
    {
        var (host, made) = await MakeAsync("remade");
        NamespaceDto? sector = null;
        var asked = AnswerData(first: async () => sector = await RemakeAsync(host, made));

        using var written = await _api.PutBytesAsync($"{host}/namespaces/{made.Name}/data", new byte[4096]);

        Assert.Equal(HttpStatusCode.OK, written.StatusCode);
        Assert.Equal((made.Start, made.RawUuid, "sector"), (sector!.Start, sector.RawUuid, sector.Mode));
        Assert.Equal(2, asked.Count);
        Assert.EndsWith($"&uuid={made.Uuid}&form=raw", asked[0], StringComparison.Ordinal);
        Assert.EndsWith($"&uuid={made.Uuid}&form=btt.{sector.Uuid:N}.{sector.Size}.4096.0", asked[1], StringComparison.Ordinal);
        Assert.Equal(await TagAsync(host, made), written.Headers.ETag!.ToString());
    }

    [Fact]
    public async Task Write_UnderTheTagOfTheFormerOne_IsRefusedAndNotSentAgain()
    {
        var (host, made) = await MakeAsync("former");
        var tag = await TagAsync(host, made);
        var asked = AnswerData(first: () => RemakeAsync(host, made));

        using var written = await _api.PutBytesAsync($"{host}/namespaces/{made.Name}/data", new byte[4096], tag);

        Assert.Equal((HttpStatusCode.PreconditionFailed, "precondition-failed"), (written.StatusCode, (await written.ReadProblemAsync()).Code));
        Assert.Single(asked);
    }

    [Fact]
    public async Task Write_WhileABindIsAwaited_WaitsForIt()
    {
        var (host, made) = await MakeAsync("awaited");
        var asked = AnswerData();
        _worker.Works = false;
        try
        {
            using var reconfigure = new HttpRequestMessage(HttpMethod.Post, $"{host}/namespaces/{made.Name}/reconfigure")
            {
                Content = new StringContent("""{"mode":"sector","force":true}""", null, "application/json"),
            };
            reconfigure.Headers.Add("Prefer", "respond-async");
            Assert.Equal(HttpStatusCode.Accepted, (await _api.SendAsync(reconfigure)).StatusCode);

            var writing = _api.PutBytesAsync($"{host}/namespaces/{made.Name}/data", new byte[4096]);
            await Task.Delay(300);
            Assert.Empty(asked);
            _worker.Works = true;

            Assert.Equal(HttpStatusCode.OK, (await writing).StatusCode);
            Assert.Contains("&form=btt.", Assert.Single(asked), StringComparison.Ordinal);
        }
        finally
        {
            _worker.Works = true;
        }
    }

    /// <summary>The paths that the worker is asked for; the first request finds something else there, where it says so.</summary>
    private List<string> AnswerData(Func<Task>? first = null)
    {
        var asked = new List<string>();
        _worker.OnRequest = async (http, path) =>
        {
            asked.Add(path);
            if (asked.Count == 1 && first is not null)
            {
                await first();
                var refusal = new RefusalDto { Errno = "EAGAIN", Code = "host-not-ready", Message = "it has been reconfigured" };
                await MediaWorker.ReplyAsync(http, new DataPlaneReply<DataWrittenDto> { Refusal = refusal }, 503);
                return true;
            }

            await MediaWorker.ReplyAsync(http, new DataPlaneReply<DataWrittenDto> { Value = new DataWrittenDto { Offset = 0, Length = 4096, ClearedSectors = 0 } });
            return true;
        };
        return asked;
    }

    private async Task<(string Host, NamespaceDto Made)> MakeAsync(string name)
    {
        await _api.CreateReadyHostAsync($$"""{"name":"{{name}}","dimms":[{"capacity":"256M"}],"regions":[{"dimms":["nmem0"]}]}""");
        foreach (var step in (string[])["regions/region0/disable", "dimms/nmem0/labels/init", "regions/region0/enable"])
        {
            Assert.True((await _api.SendJsonAsync(HttpMethod.Post, $"/v1/hosts/{name}/{step}", "{}")).IsSuccessStatusCode);
        }

        return ($"/v1/hosts/{name}", await _api.PostAsync<NamespaceDto>($"/v1/hosts/{name}/namespaces", """{"mode":"raw","size":"64M"}""", HttpStatusCode.Created));
    }

    /// <summary>Under the uuid that it had, in sector mode.</summary>
    private async Task<NamespaceDto> RemakeAsync(string host, NamespaceDto made)
    {
        using var destroyed = await _api.SendJsonAsync(HttpMethod.Delete, $"{host}/namespaces/{made.Name}?force=true", null, "*");
        Assert.Equal(HttpStatusCode.NoContent, destroyed.StatusCode);
        return await _api.PostAsync<NamespaceDto>($"{host}/namespaces", $$"""{"mode":"sector","size":"64M","uuid":"{{made.Uuid}}"}""", HttpStatusCode.Created);
    }

    private async Task<string> TagAsync(string host, NamespaceDto made) =>
        (await _api.GetAsync(new Uri($"{host}/namespaces/{made.Name}", UriKind.Relative))).Headers.ETag!.ToString();
}
