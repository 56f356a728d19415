using System.Net;
using System.Text;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.DataPlane;
using PmemFleet.Contracts.Dimms;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.MediaErrors;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Processes;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Tests.Resources;

/// <summary>What is passed on to the worker: paths, epochs, bytes, observations, refusals, and what is repeated.</summary>
public sealed class DataPlaneTests(ResourceFixture fixture) : IClassFixture<ResourceFixture>
{
    private readonly HttpClient _api = fixture.Admin;
    private readonly MediaWorker _worker = fixture.Worker;

    private static ProcessDto Process(string host, int pid) => new()
    {
        Host = host,
        Pid = pid,
        Comm = "redis",
        State = "running",
        RssBytes = 0,
        VirtualBytes = 0,
        Faults = new FaultCountsDto { Pte = 0, Pmd = 0, Pud = 0, Fallback = 0, Signalled = 0 },
        PageTables = new PageTableBytesDto { Pte = 0, Pmd = 0, Pud = 0, Pgd = 0, Total = 0 },
        MappingCount = 0,
    };

    private Task<Contracts.Hosts.HostDto> HostAsync(string name) => _api.CreateReadyHostAsync($$"""{"name":"{{name}}","dimms":[{"capacity":"16M"}],"regions":[{"dimms":["nmem0"]}]}""");

    [Fact]
    public async Task Process_CreatedAndDeleted_GoesThroughWithKeyAndEtag()
    {
        await HostAsync("proc");
        string? key = null;
        string? tag = null;
        _worker.OnRequest = async (http, path) =>
        {
            (key, tag) = (http.Request.Headers["Idempotency-Key"], http.Request.Headers.IfMatch);
            await (http.Request.Method switch
            {
                "POST" or "GET" => MediaWorker.ReplyAsync(http, new DataPlaneReply<ProcessDto> { Value = Process("proc", 1000) }),
                _ => MediaWorker.ReplyAsync(http, new DataPlaneReply<Acknowledged>()),
            });
            return path.StartsWith("processes", StringComparison.Ordinal);
        };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/hosts/proc/processes") { Content = new StringContent("""{"comm":"redis"}""", Encoding.UTF8, "application/json") };
        request.Headers.Add("Idempotency-Key", "k-1");
        var created = await _api.SendAsync(request);
        Assert.Equal((HttpStatusCode.Created, "/v1/hosts/proc/processes/1000"), (created.StatusCode, created.Headers.Location!.ToString()));
        Assert.Matches("^[0-9a-f]{64}$", key);
        var read = await _api.GetAsync(new Uri("/v1/hosts/proc/processes/1000", UriKind.Relative));
        Assert.Equal(created.Headers.ETag, read.Headers.ETag);
        await _api.RemoveAsync("/v1/hosts/proc/processes/1000", "\"other\"", HttpStatusCode.PreconditionFailed);
        await _api.RemoveAsync("/v1/hosts/proc/processes/1000", read.Headers.ETag!.ToString());
        Assert.Equal(read.Headers.ETag.ToString(), tag);
    }

    [Fact]
    public async Task Mapping_RefusedByTheWorker_KeepsItsRuleAndStatus()
    {
        await HostAsync("private");
        _worker.OnRequest = async (http, _) =>
        {
            await MediaWorker.ReplyAsync(
                http,
                new DataPlaneReply<Acknowledged> { Refusal = new RefusalDto { Errno = "EINVAL", Code = "private-mapping", Message = "dax0.0: attempted private mapping" } },
                422);
            return true;
        };
        var problem = await _api.RefusedAsync(
            HttpMethod.Post, "/v1/hosts/private/processes/1/mappings", """{"device":"dax0.0","length":"2M","flags":["private"]}""", HttpStatusCode.UnprocessableEntity);
        Assert.Equal(("EINVAL", "private-mapping", "dax0.0: attempted private mapping"), (problem.Errno, problem.Code, problem.Detail));
    }

    [Fact]
    public async Task Read_FailsTwice_IsRepeated_WriteWithoutKeyIsNot()
    {
        await HostAsync("retry");
        var calls = 0;
        _worker.OnRequest = async (http, _) =>
        {
            if (Interlocked.Increment(ref calls) % 3 != 0)
            {
                http.Response.StatusCode = 502;
                return true;
            }

            await MediaWorker.ReplyAsync(http, new DataPlaneReply<ListPage<ProcessDto>> { Value = new ListPage<ProcessDto> { Items = [] } });
            return true;
        };
        Assert.Empty((await _api.GetAsync<ListPage<ProcessDto>>("/v1/hosts/retry/processes")).Items);
        Assert.Equal(3, calls);
        var problem = await _api.RefusedAsync(HttpMethod.Post, "/v1/hosts/retry/processes", """{"comm":"x"}""", HttpStatusCode.ServiceUnavailable);
        Assert.Equal(("worker-unreachable", 4), (problem.Code, calls));
    }

    [Fact]
    public async Task Read_FencedWorker_IsRetryLater()
    {
        await HostAsync("fenced");
        _worker.OnRequest = async (http, _) =>
        {
            await MediaWorker.ReplyAsync(http, new DataPlaneReply<Acknowledged> { Refusal = new RefusalDto { Errno = "ESTALE", Code = "fenced", Message = "old epoch" } }, 409);
            return true;
        };
        var response = await _api.GetAsync(new Uri("/v1/hosts/fenced/processes", UriKind.Relative));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.NotNull(response.Headers.RetryAfter);
    }

    [Fact]
    public async Task Data_ReadFindsPoison_IsSeenAtOnce_WriteClearsIt()
    {
        await HostAsync("data");
        var host = await _api.GetAsync<Contracts.Hosts.HostDto>("/v1/hosts/data");
        var dimm = await _api.GetAsync<DimmDto>("/v1/hosts/data/dimms/nmem0");
        var seen = new DimmObservation
        {
            HostId = host.Id,
            DimmId = dimm.Id,
            Epoch = host.Epoch,
            Version = 1000,
            Poison = [new DpaRange(8192, 256)],
            BadRanges = [new DpaRange(8192, 512)],
            DirtyShutdownCount = 0,
            ScrubCount = 0,
        };
        byte[]? written = null;
        _worker.OnRequest = async (http, path) =>
        {
            if (http.Request.Method == "GET")
            {
                Assert.StartsWith("namespaces/namespace0.0/data?offset=8192&length=4096&start=", path, StringComparison.Ordinal);
                await MediaWorker.ReplyAsync(
                    http,
                    new DataPlaneReply<Acknowledged> { Refusal = new RefusalDto { Errno = "EIO", Code = "media-error", Message = "bad block 16" }, Observations = [seen] },
                    409);
                return true;
            }

            using var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body);
            written = body.ToArray();
            await MediaWorker.ReplyAsync(http, new DataPlaneReply<DataWrittenDto>
            {
                Value = new DataWrittenDto { Offset = 8192, Length = 512, ClearedSectors = 1 },
                Observations = [seen with { Version = 1001, Poison = [], BadRanges = [] }],
            });
            return true;
        };
        var problem = await _api.RefusedAsync(HttpMethod.Get, "/v1/hosts/data/namespaces/namespace0.0/data?offset=8K&length=4K", null, HttpStatusCode.Conflict);
        Assert.Equal(("EIO", "media-error"), (problem.Errno, problem.Code));
        Assert.Equal((16L, 1L), Assert.Single(await _api.GetAsync<IReadOnlyList<BadblockDto>>("/v1/hosts/data/namespaces/namespace0.0/badblocks")) is var bad ? (bad.Offset, bad.Length) : default);
        var answer = await (await _api.PutBytesAsync("/v1/hosts/data/namespaces/namespace0.0/data?offset=8K", new byte[512])).ExpectAsync<DataWrittenDto>(HttpStatusCode.OK);
        Assert.Equal((1L, 512), (answer.ClearedSectors, written!.Length));
        Assert.Empty(await _api.GetAsync<IReadOnlyList<BadblockDto>>("/v1/hosts/data/namespaces/namespace0.0/badblocks"));
    }

    [Fact]
    public async Task Data_OfALabelledNamespace_IsAskedForByItsUuidAndAnswersItsEtag()
    {
        await HostAsync("labelled");
        foreach (var step in (string[])["regions/region0/disable", "dimms/nmem0/labels/init", "regions/region0/enable"])
        {
            Assert.True((await _api.SendJsonAsync(HttpMethod.Post, $"/v1/hosts/labelled/{step}", "{}")).IsSuccessStatusCode);
        }

        var made = await _api.PostAsync<NamespaceDto>("/v1/hosts/labelled/namespaces", """{"mode":"raw"}""", HttpStatusCode.Created);
        var asked = new List<string>();
        _worker.OnRequest = async (http, path) =>
        {
            asked.Add(path);
            await MediaWorker.ReplyAsync(http, new DataPlaneReply<DataWrittenDto> { Value = new DataWrittenDto { Offset = 0, Length = 512, ClearedSectors = 0 } });
            return true;
        };
        var space = await _api.GetAsync(new Uri($"/v1/hosts/labelled/namespaces/{made.Name}", UriKind.Relative));

        using var written = await _api.PutBytesAsync($"/v1/hosts/labelled/namespaces/{made.Name}/data", new byte[512], space.Headers.ETag!.ToString());

        Assert.Equal((HttpStatusCode.OK, space.Headers.ETag), (written.StatusCode, written.Headers.ETag));
        Assert.EndsWith($"&uuid={made.Uuid}&form=raw", Assert.Single(asked), StringComparison.Ordinal);
    }

    [Fact]
    public async Task DryRun_OfAWrite_AsksTheWorkerForARehearsalWithoutTheKey()
    {
        await HostAsync("dry");
        var asked = new List<string>();
        _worker.OnRequest = async (http, path) =>
        {
            asked.Add($"{http.Request.Method} {path} {http.Request.Headers["Idempotency-Key"]}");
            await MediaWorker.ReplyAsync(http, new DataPlaneReply<ProcessDto> { Value = Process("dry", 100) });
            return true;
        };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/hosts/dry/processes?dryRun=true") { Content = new StringContent("{}", Encoding.UTF8, "application/json") };
        request.Headers.Add("Idempotency-Key", "k-dry");
        var answer = await _api.SendAsync(request);
        Assert.Equal((HttpStatusCode.Created, "true"), (answer.StatusCode, answer.Headers.GetValues("Dry-Run").Single()));
        Assert.Equal(["POST dry-run/processes "], asked);
    }

    [Fact]
    public async Task DryRun_WorkerThatKnowsNone_IsRefusedAndNotDone()
    {
        await HostAsync("older");
        var done = 0;
        _worker.OnRequest = (http, path) =>
        {
            http.Response.StatusCode = 404;
            done += path.StartsWith("processes", StringComparison.Ordinal) ? 1 : 0;
            return Task.FromResult(true);
        };
        var problem = await _api.RefusedAsync(HttpMethod.Post, "/v1/hosts/older/processes?dryRun=true", "{}", HttpStatusCode.ServiceUnavailable);
        Assert.Equal(("worker-unreachable", 0), (problem.Code, done));
    }

    [Fact]
    public async Task Post_WithIfMatch_IsRefusedBeforeTheWorkerIsAsked()
    {
        await HostAsync("matched");
        var asked = 0;
        _worker.OnRequest = (_, _) => Task.FromResult(++asked > 0);
        var refused = await _api.SendJsonAsync(HttpMethod.Post, "/v1/hosts/matched/processes", "{}", "\"0000000000000000.1\"");
        Assert.Equal((412, "precondition-failed", 0), ((int)refused.StatusCode, (await refused.ReadProblemAsync()).Code, asked));
    }
}
