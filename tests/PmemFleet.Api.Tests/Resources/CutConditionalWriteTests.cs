using System.Net;
using Microsoft.AspNetCore.Http;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.DataPlane;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Processes;

namespace PmemFleet.Api.Tests.Resources;

/// <summary>The worker has done a conditional write, and the connection breaks before its answer: the Api asks again, and nobody is told of it.</summary>
public sealed class CutConditionalWriteTests(ResourceFixture fixture) : IClassFixture<ResourceFixture>
{
    private readonly HttpClient _api = fixture.Admin;
    private readonly MediaWorker _worker = fixture.Worker;

    [Theory]
    [InlineData("PATCH", HttpStatusCode.OK)]
    [InlineData("DELETE", HttpStatusCode.NoContent)]
    public async Task Write_DoneAndCut_IsAnsweredAsDone(string method, HttpStatusCode status)
    {
        var host = $"cut-{method.ToLowerInvariant()}";
        await _api.CreateReadyHostAsync($$"""{"name":"{{host}}","dimms":[{"capacity":"16M"}],"regions":[{"dimms":["nmem0"]}]}""");
        var (path, keys) = ($"/v1/hosts/{host}/processes/1/mappings/1", AnswerMappings());
        var tag = await TagAsync(path);

        using var answer = await _api.SendJsonAsync(new HttpMethod(method), path, method == "PATCH" ? """{"protection":["read"]}""" : null, tag);

        Assert.Equal((status, false), (answer.StatusCode, answer.Headers.Contains("Idempotency-Replayed")));
        Assert.Equal(2, keys.Count);
        Assert.Single(keys.Distinct());
        Assert.StartsWith(DataPlaneRoutes.OwnKeyPrefix, keys[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Writes_TwoOfOneCaller_HaveAKeyEach_AndUnconditionalOnesNone()
    {
        await _api.CreateReadyHostAsync("""{"name":"cut-none","dimms":[{"capacity":"16M"}],"regions":[{"dimms":["nmem0"]}]}""");
        var (path, keys) = ("/v1/hosts/cut-none/processes/1/mappings/1", AnswerMappings());
        var tag = await TagAsync(path);

        await _api.SendJsonAsync(HttpMethod.Patch, path, """{"protection":["read"]}""", tag);
        await _api.SendJsonAsync(HttpMethod.Patch, path, """{"protection":["read"]}""", await TagAsync(path));
        await _api.SendJsonAsync(HttpMethod.Patch, path, """{"protection":["none"]}""");
        await _api.SendJsonAsync(HttpMethod.Delete, path, null, "*");

        Assert.Equal(3, keys.Distinct().Count());
        Assert.Equal(["", ""], keys[^2..]);
    }

    /// <summary>One mapping, as the product's worker treats it: what was done under a key is answered once more before tags are compared. The first write is cut.</summary>
    /// <returns>The keys of the writes, as they come.</returns>
    private List<string> AnswerMappings()
    {
        var keys = new List<string>();
        var (done, protection) = (new HashSet<string>(), "write");
        _worker.OnRequest = async (http, _) =>
        {
            if (HttpMethods.IsGet(http.Request.Method))
            {
                http.Response.Headers.ETag = $"\"{protection}\"";
                await MediaWorker.ReplyAsync(http, new DataPlaneReply<MappingDto> { Value = Mapping(protection) });
                return true;
            }

            var key = http.Request.Headers[DataPlaneRoutes.IdempotencyHeader].ToString();
            keys.Add(key);
            if (key.Length > 0 && done.Contains(key))
            {
                http.Response.Headers[DataPlaneRoutes.ReplayedHeader] = "true";
            }
            else if (http.Request.Headers.IfMatch is { Count: > 0 } tag && tag != $"\"{protection}\"")
            {
                var stale = new RefusalDto { Errno = "ESTALE", Code = "precondition-failed", Message = "It has changed." };
                await MediaWorker.ReplyAsync(http, new DataPlaneReply<MappingDto> { Refusal = stale }, 412);
                return true;
            }

            done.Add(key);
            protection = "read";
            if (keys.Count == 1)
            {
                http.Abort();
                return true;
            }

            await (HttpMethods.IsDelete(http.Request.Method)
                ? MediaWorker.ReplyAsync(http, new DataPlaneReply<Acknowledged> { Value = new Acknowledged() })
                : MediaWorker.ReplyAsync(http, new DataPlaneReply<MappingDto> { Value = Mapping(protection) }));
            return true;
        };
        return keys;
    }

    private static MappingDto Mapping(string protection) => new()
    {
        Id = 1,
        Pid = 1,
        Device = "dax0.0",
        Start = "0x7f0000000000",
        End = "0x7f0000200000",
        Length = 2 << 20,
        Offset = 0,
        Protection = [protection],
        VmFlags = "rd",
        PageSize = 2 << 20,
        PresentBytes = 0,
    };

    private async Task<string> TagAsync(string path) => (await _api.GetAsync(new Uri(path, UriKind.Relative))).Headers.ETag!.ToString();
}
