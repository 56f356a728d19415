using System.Net;
using System.Text;
using Microsoft.AspNetCore.Http;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Api.Tests.Sync;
using PmemFleet.Contracts.DataPlane;
using PmemFleet.Contracts.Dimms;
using PmemFleet.Contracts.Hosts;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Processes;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Tests.Resources;

/// <summary>A worker may answer the data plane with anything: it is believed of the host it was asked about, and is never the Api's own failure.</summary>
public sealed class LyingDataPlaneTests(ResourceFixture fixture) : IClassFixture<ResourceFixture>
{
    private readonly HttpClient _api = fixture.Admin;
    private readonly MediaWorker _worker = fixture.Worker;

    public static TheoryData<string, string, int> Answers => new()
    {
        // a failure of the worker's own, in no form of the protocol
        { "<html>Internal Server Error</html>", "text/html", 500 },
        { "<html>Bad Gateway</html>", "text/html", 502 },
        { "{}", "application/json", 500 },
        { "{}", "application/json", 404 },
        { "null", "application/json", 422 },

        // refusals without what a refusal has
        { """{"refusal":{"errno":"EINVAL","code":"x"}}""", "application/json", 422 },
        { """{"refusal":{"errno":null,"code":null,"message":null}}""", "application/json", 409 },
        { """{"refusal":"no"}""", "application/json", 409 },

        // success that gives nothing of what was asked for
        { "null", "application/json", 200 },
        { "{}", "application/json", 200 },
        { """{"value":[1,2]}""", "application/json", 200 },
        { """{"value":{"items":[{"pid":"text"}]}}""", "application/json", 200 },
        { """{"value":{"items":[""", "application/json", 200 },
        { "<html></html>", "text/html", 200 },
        { "", "application/json", 200 },
        { """{"value":{"items":[]},"observations":[{"hostId":"no"}]}""", "application/json", 200 },
    };

    [Theory]
    [MemberData(nameof(Answers))]
    public async Task Answer_ThatIsNoneOfTheProtocol_IsThatTheWorkerCannotBeReached(string body, string type, int status)
    {
        var host = await HostAsync();
        _worker.OnRequest = async (http, _) =>
        {
            (http.Response.StatusCode, http.Response.ContentType) = (status, type);
            await http.Response.WriteAsync(body);
            return true;
        };
        foreach (var method in new[] { HttpMethod.Get, HttpMethod.Post })
        {
            var problem = await _api.RefusedAsync(method, $"/v1/hosts/{host.Name}/processes", method == HttpMethod.Post ? "{}" : null, HttpStatusCode.ServiceUnavailable);
            Assert.Equal(("EAGAIN", "worker-unreachable"), (problem.Errno, problem.Code));
            Assert.DoesNotContain("html", problem.Detail, StringComparison.Ordinal);
        }

        if (body is not ("{}" or """{"value":[1,2]}""" or """{"value":{"items":[{"pid":"text"}]}}"""))
        {
            // of these, what gives nothing but its success takes an empty reply for one
            await _api.RemoveAsync($"/v1/hosts/{host.Name}/processes/1000", "*", HttpStatusCode.ServiceUnavailable);
        }
    }

    /// <summary>Whoever is between them may cut: the caller is told to ask again, or sees that bytes are missing, and never gets a part for the whole.</summary>
    [Fact]
    public async Task Answer_ThatIsCut_IsNoWholeOne()
    {
        var host = await HostAsync();
        _worker.OnRequest = (http, _) =>
        {
            http.Abort();
            return Task.FromResult(true);
        };
        var problem = await _api.RefusedAsync(HttpMethod.Post, $"/v1/hosts/{host.Name}/processes", "{}", HttpStatusCode.ServiceUnavailable);
        Assert.Equal("worker-unreachable", problem.Code);

        _worker.OnRequest = async (http, _) =>
        {
            (http.Response.ContentType, http.Response.ContentLength) = ("application/octet-stream", 4096);
            await http.Response.Body.WriteAsync(new byte[1000]);
            await http.Response.Body.FlushAsync();
            http.Abort();
            return true;
        };
        await Assert.ThrowsAsync<HttpRequestException>(() => _api.GetByteArrayAsync(new Uri($"/v1/hosts/{host.Name}/namespaces/namespace0.0/data?length=4K", UriKind.Relative)));
    }

    [Theory]
    [InlineData("not base64!")]
    [InlineData("bm90IGpzb24=")]
    [InlineData("W251bGxd")]
    public async Task Data_WithAHeaderThatCannotBeRead_IsNotPassedOnOrIgnoresIt(string header)
    {
        var host = await HostAsync();
        _worker.OnRequest = async (http, _) =>
        {
            http.Response.Headers[DataPlaneRoutes.ObservationsHeader] = header;
            http.Response.ContentType = "application/octet-stream";
            await http.Response.Body.WriteAsync(new byte[4096]);
            return true;
        };
        using var answer = await _api.GetAsync(new Uri($"/v1/hosts/{host.Name}/namespaces/namespace0.0/data?length=4K", UriKind.Relative));
        if (header == "W251bGxd")
        {
            // [null] is a list of none
            Assert.Equal(4096, (await answer.Content.ReadAsByteArrayAsync()).Length);
        }
        else
        {
            Assert.Equal((HttpStatusCode.ServiceUnavailable, "worker-unreachable"), (answer.StatusCode, (await answer.ReadProblemAsync()).Code));
        }
    }

    /// <summary>What it says of another host, of another epoch, or of a DIMM that the host does not have, changes nothing; what it says of what it was asked about does.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Observations_OfAnythingButTheHostThatWasAsked_ChangeNothing(bool inAHeader)
    {
        var (own, victim) = (await HostAsync(), await HostAsync());
        var (ownDimm, victimDimm) = (await DimmAsync(own), await DimmAsync(victim));
        var seen = new DimmObservation
        {
            HostId = own.Id,
            DimmId = ownDimm,
            Epoch = own.Epoch,
            Version = 500,
            Poison = [new DpaRange(8192, 256)],
            BadRanges = [new DpaRange(8192, 512)],
            DirtyShutdownCount = 3,
            ScrubCount = 1,
        };
        DimmObservation?[] lies =
        [
            null,
            seen with { HostId = victim.Id, DimmId = victimDimm, Epoch = victim.Epoch },
            seen with { HostId = victim.Id, DimmId = victimDimm },
            seen with { DimmId = victimDimm },
            seen with { HostId = Guid.Empty },
            seen with { Epoch = own.Epoch - 1 },
            seen with { Epoch = own.Epoch + 1, Version = long.MaxValue },
            seen with { Poison = [new DpaRange(1L << 50, 256)] },
            seen with { Poison = [new DpaRange(-256, 256)] },
        ];
        var before = (await fixture.RowsOfAsync(own), await fixture.RowsOfAsync(victim));
        await AskAsync(own, inAHeader, lies);
        Assert.Equal(before, (await fixture.RowsOfAsync(own), await fixture.RowsOfAsync(victim)));

        await AskAsync(own, inAHeader, [.. lies, seen]);
        Assert.NotEqual(before.Item1, await fixture.RowsOfAsync(own));
        Assert.Equal(before.Item2, await fixture.RowsOfAsync(victim));
    }

    private async Task AskAsync(HostDto host, bool inAHeader, IReadOnlyList<DimmObservation?> observations)
    {
        _worker.OnRequest = async (http, _) =>
        {
            if (inAHeader)
            {
                var json = System.Text.Json.JsonSerializer.Serialize(observations, Contracts.FleetJsonContext.Default.Options);
                http.Response.Headers[DataPlaneRoutes.ObservationsHeader] = Convert.ToBase64String(Encoding.UTF8.GetBytes(json));
                http.Response.ContentType = "application/octet-stream";
                await http.Response.Body.WriteAsync(new byte[512]);
            }
            else
            {
                await MediaWorker.ReplyAsync(http, new DataPlaneReply<ListPage<ProcessDto>> { Value = new ListPage<ProcessDto> { Items = [] }, Observations = observations! });
            }

            return true;
        };
        using var answer = await _api.GetAsync(new Uri($"/v1/hosts/{host.Name}/{(inAHeader ? "namespaces/namespace0.0/data?length=512" : "processes")}", UriKind.Relative));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    private Task<HostDto> HostAsync() =>
        _api.CreateReadyHostAsync($$"""{"name":"h-{{Guid.NewGuid():N}}","dimms":[{"capacity":"16M"}],"regions":[{"dimms":["nmem0"]}]}""");

    private async Task<Guid> DimmAsync(HostDto host) => (await _api.GetAsync<DimmDto>($"/v1/hosts/{host.Name}/dimms/nmem0")).Id;
}
