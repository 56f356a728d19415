using System.Net;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Namespaces;

namespace PmemFleet.Api.Tests.Resources;

/// <summary>What the Api's rows say a namespace is bound as is what the product's own worker says, in every mode and after every change of it.</summary>
public sealed class DataOfEveryModeTests(RealWorkerFixture fixture) : IClassFixture<RealWorkerFixture>
{
    private readonly HttpClient _api = fixture.Admin;

    [Fact]
    public async Task Data_ReconfiguredAgainAndAgain_IsWrittenAndReadBack()
    {
        const string host = "/v1/hosts/modes";
        await _api.CreateReadyHostAsync("""{"name":"modes","dimms":[{"capacity":"256M"}],"regions":[{"dimms":["nmem0"]}]}""");
        await WriteAndReadAsync($"{host}/namespaces/namespace0.0", 1);
        foreach (var step in (string[])["regions/region0/disable", "dimms/nmem0/labels/init", "regions/region0/enable"])
        {
            Assert.True((await _api.SendJsonAsync(HttpMethod.Post, $"{host}/{step}", "{}")).IsSuccessStatusCode);
        }

        var made = await _api.PostAsync<NamespaceDto>($"{host}/namespaces", """{"mode":"raw","size":"128M"}""", HttpStatusCode.Created);
        await WriteAndReadAsync($"{host}/namespaces/{made.Name}", 2);
        byte seed = 3;
        foreach (var options in (string[])["\"mode\":\"sector\"", "\"mode\":\"sector\",\"sectorSize\":512", "\"mode\":\"fsdax\",\"map\":\"dev\"", "\"mode\":\"fsdax\",\"map\":\"mem\"", "\"mode\":\"raw\""])
        {
            var again = await _api.PostAsync<NamespaceDto>($"{host}/namespaces/{made.Name}/reconfigure", $$"""{{{options}},"force":true}""");
            Assert.Equal("enabled", again.State);
            await WriteAndReadAsync($"{host}/namespaces/{again.Name}", seed++);
        }

        await _api.PostAsync<Contracts.Hosts.HostDto>($"{host}/power", """{"action":"cycle"}""");
        await _api.UntilReadyAsync("modes");
        await WriteAndReadAsync($"{host}/namespaces/{made.Name}", seed);
    }

    private async Task WriteAndReadAsync(string path, byte seed)
    {
        var bytes = Enumerable.Range(0, 8192).Select(at => (byte)(at * seed)).ToArray();
        using var written = await _api.PutBytesAsync($"{path}/data?offset=4096", bytes);
        Assert.True(written.IsSuccessStatusCode, await written.Content.ReadAsStringAsync());
        Assert.Equal(bytes, await _api.GetByteArrayAsync(new Uri($"{path}/data?offset=4096&length=8192", UriKind.Relative)));
    }
}
