using System.Net;
using System.Text.Json.Nodes;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Dimms;
using PmemFleet.Contracts.Hosts;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Processes;
using PmemFleet.Contracts.Regions;

namespace PmemFleet.Api.Tests.Rows;

/// <summary>One Api, one PostgreSQL and one worker process for all classes that prove rows of docs/fidelity.md through the running product.</summary>
[CollectionDefinition(Name)]
public sealed class ProductCollection : ICollectionFixture<RealWorkerFixture>
{
    public const string Name = "rows through the running product";
}

/// <summary>What the rows' tests ask of the product.</summary>
public abstract class ProductRows(RealWorkerFixture fixture)
{
    protected const long MiB = 1 << 20;
    protected const long GiB = 1 << 30;

    protected HttpClient Api => fixture.Admin;

    protected RealWorkerFixture Fixture => fixture;

    /// <summary>A host of one DIMM under one region; with labels where a version is given.</summary>
    protected async Task<string> HostAsync(string name, string capacity, string? labels = null, string platform = "{}")
    {
        await Api.CreateReadyHostAsync($$"""{"name":"{{name}}","platform":{{platform}},"dimms":[{"capacity":"{{capacity}}","labelSize":"128K"}],"regions":[{"dimms":["nmem0"],"start":"4G"}]}""");
        var host = $"/v1/hosts/{name}";
        if (labels is not null)
        {
            await Api.PostAsync<RegionDto>($"{host}/regions/region0/disable", "{}");
            await Api.PostAsync<LabelsDto>($"{host}/dimms/nmem0/labels/init", $$"""{"version":"{{labels}}"}""");
            await Api.PostAsync<RegionDto>($"{host}/regions/region0/enable", "{}");
        }

        return host;
    }

    /// <summary>A host whose one namespace is devdax.</summary>
    protected async Task<string> DaxHostAsync(string name, string capacity, string align, string platform = "{}", string map = "dev")
    {
        var host = await HostAsync(name, capacity, platform: platform);
        await ReconfigureAsync(host, "namespace0.0", $$"""{"mode":"devdax","align":"{{align}}","map":"{{map}}","force":true}""");
        return host;
    }

    protected Task<NamespaceDto> ReconfigureAsync(string host, string space, string json) => Api.PostAsync<NamespaceDto>($"{host}/namespaces/{space}/reconfigure", json);

    protected async Task<int> ProcessAsync(string host) => (await Api.PostAsync<ProcessDto>($"{host}/processes", "{}", HttpStatusCode.Created)).Pid;

    protected Task<MappingDto> MapAsync(string host, int pid, string length, string more = "") =>
        Api.PostAsync<MappingDto>($"{host}/processes/{pid}/mappings", $$"""{"device":"dax0.0","length":"{{length}}"{{more}}}""", HttpStatusCode.Created);

    /// <summary>Far from everything else in the process: no table of any level is there yet, so every size is tried.</summary>
    protected Task<MappingDto> MapAloneAsync(string host, int pid, string length) => MapAsync(host, pid, length, ",\"address\":\"0x500000000000\"");

    protected Task<ProblemDto> RefusedMapAsync(string host, int pid, string json, HttpStatusCode status = HttpStatusCode.UnprocessableEntity) =>
        Api.RefusedAsync(HttpMethod.Post, $"{host}/processes/{pid}/mappings", json, status);

    protected Task<AccessDto> AccessAsync(string host, int pid, string json) => Api.PostAsync<AccessDto>($"{host}/processes/{pid}/accesses", json);

    protected Task<SystemCallDto> CallAsync(string host, int pid, string json) => Api.PostAsync<SystemCallDto>($"{host}/processes/{pid}/system-calls", json);

    protected async Task<ProblemDto> RefusedCallAsync(string host, int pid, string json)
    {
        using var answer = await Api.SendJsonAsync(HttpMethod.Post, $"{host}/processes/{pid}/system-calls", json);
        Assert.False(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        return await answer.ReadProblemAsync();
    }

    protected async Task<IReadOnlyList<NamespaceDto>> NamespacesAsync(string host) => (await Api.GetAsync<ListPage<NamespaceDto>>($"{host}/namespaces")).Items;

    protected async Task<string> TextAsync(string path) => await Api.GetStringAsync(new Uri(path, UriKind.Relative));

    protected async Task<JsonArray> ListAsync(string path) => (JsonArray)JsonNode.Parse(await TextAsync(path))!;

    protected async Task<byte[]> BytesAsync(string path) => await Api.GetByteArrayAsync(new Uri(path, UriKind.Relative));

    protected async Task WriteAsync(string path, byte[] bytes)
    {
        using var written = await Api.PutBytesAsync(path, bytes);
        Assert.True(written.IsSuccessStatusCode, await written.Content.ReadAsStringAsync());
    }

    protected async Task InjectHealthAsync(string host, string json)
    {
        using var answer = await Api.SendJsonAsync(HttpMethod.Post, $"{host}/dimms/nmem0/health/inject", json);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    protected async Task<string?> ErrnoOfReadAsync(string path)
    {
        using var answer = await Api.GetAsync(new Uri(path, UriKind.Relative));
        return answer.IsSuccessStatusCode ? null : (await answer.ReadProblemAsync()).Errno;
    }

    protected async Task PowerAsync(string host, string action)
    {
        await Api.PostAsync<HostDto>($"{host}/power", $$"""{"action":"{{action}}"}""");
        await Api.UntilReadyAsync(host["/v1/hosts/".Length..]);
    }
}
