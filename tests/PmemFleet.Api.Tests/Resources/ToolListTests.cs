using System.Net;
using System.Text.Json.Nodes;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Namespaces;

namespace PmemFleet.Api.Tests.Resources;

/// <summary>The query parameters of the tools' lists take what their options take; each line is a recorded one of n_list2 or y_lists.</summary>
public sealed class ToolListTests(ResourceFixture fixture) : IClassFixture<ResourceFixture>
{
    private readonly HttpClient _api = fixture.Admin;

    private static readonly (string Query, string Devices)[] Ndctl =
    [
        ("", "namespace1.0 namespace1.1 namespace0.1 namespace0.0"),
        ("region=region0", "region0"),
        ("region=0", "region0"),
        ("region=all", "region1 region0"),
        ("region=region0%20region1&regions=true", "region1 region0"),
        ("region=0,1&regions=true", ""),
        ("region=region9", ""),
        ("dimm=0", "nmem0"),
        ("dimm=all", "nmem1 nmem0"),
        ("bus=0", "ndbus0"),
        ("bus=ACPI.NFIT", "ndbus0"),
        ("buses=true&namespace=nosuch", ""),
        ("buses=true&mode=sector", "ndbus0"),
        ("namespace=0.1", "namespace0.1"),
        ("namespace=0.1&regions=true", "region0"),
        ("dimms=true&namespace=namespace1.0", "nmem1"),
        ("dimms=true&numaNode=5", ""),
        ("dimms=true&numaNode=0", "nmem1 nmem0"),
        ("numaNode=all", "namespace1.0 namespace1.1 namespace0.1 namespace0.0"),
        ("deviceDax=true", "namespace1.0 namespace0.1"),
        ("deviceDax=true&mode=fsdax", "namespace0.0"),
        ("deviceDax=true&region=region0", "region0"),
        ("deviceDax=true&namespace=namespace0.0", ""),
        ("mode=fsdax", "namespace0.0"),
        ("type=blk", ""),
        ("regions=true&human=true&region=0", "region0"),
    ];

    private static readonly (string Query, string Devices)[] Daxctl =
    [
        ("", "dax1.0 dax0.1"),
        ("region=0", "region0"),
        ("region=region1", "region1"),
        ("region=all", "region1 region0"),
        ("region=9", ""),
        ("device=1.0", "dax1.0"),
        ("device=all", "dax1.0 dax0.1"),
        ("device=dax9.9", ""),
        ("region=1&device=dax1.0", "region1[dax1.0]"),
        ("region=0&device=dax1.0", "region0"),
        ("regions=true&devices=true&device=dax0.1", "region1 region0[dax0.1]"),
    ];

    [Fact]
    public async Task Lists_EveryForm_AsTheToolsPrintThem()
    {
        const string host = "/v1/hosts/lists";
        await _api.CreateReadyHostAsync("""{"name":"lists","dimms":[{"capacity":"1G"},{"capacity":"1G"}],"regions":[{"dimms":["nmem0"],"numaNode":0},{"dimms":["nmem1"],"numaNode":0}]}""");
        foreach (var number in (int[])[0, 1])
        {
            foreach (var step in (string[])[$"regions/region{number}/disable", $"dimms/nmem{number}/labels/init", $"regions/region{number}/enable"])
            {
                Assert.True((await _api.SendJsonAsync(HttpMethod.Post, $"{host}/{step}", "{}")).IsSuccessStatusCode);
            }
        }

        foreach (var (region, mode) in ((int, string)[])[(0, "fsdax"), (0, "devdax"), (1, "devdax"), (1, "raw")])
        {
            await _api.PostAsync<NamespaceDto>($"{host}/namespaces", $$"""{"region":"region{{region}}","mode":"{{mode}}","size":"256M"}""", HttpStatusCode.Created);
        }

        foreach (var (query, devices) in Ndctl)
        {
            Assert.Equal((query, devices), (query, Names(await JsonAsync($"{host}/ndctl/list?{query}"))));
        }

        foreach (var (query, devices) in Daxctl)
        {
            Assert.Equal((query, devices), (query, Names(await JsonAsync($"{host}/daxctl/list?{query}"))));
        }

        var region0 = (JsonObject)(await JsonAsync($"{host}/ndctl/list?regions=true&dimms=true&human=true&region=0"))!["regions"]![0]!;
        Assert.Equal(("16.00 MiB (16.78 MB)", "0"), ((string?)region0["align"], (string?)region0["mappings"]![0]!["offset"]));
    }

    private async Task<JsonNode?> JsonAsync(string path) => JsonNode.Parse(await _api.GetStringAsync(new Uri(path, UriKind.Relative)));

    private static string Names(JsonNode? printed) => string.Join(' ', (printed is JsonArray array ? array : new JsonArray(printed!.DeepClone())).Select(one => Name((JsonObject)one!)));

    private static string Name(JsonObject one)
    {
        var name = (string?)one["dev"] ?? (string?)one["chardev"] ?? $"region{one["id"]}";
        return one["devices"] is JsonArray devices ? $"{name}[{string.Join(' ', devices.Select(device => Name((JsonObject)device!)))}]" : name;
    }
}
