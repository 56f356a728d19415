using System.Globalization;
using System.Text.Json.Nodes;
using PmemFleet.Chaos.Tests.Support;

namespace PmemFleet.Chaos.Tests.Fuzz;

/// <summary>A host with something of everything on it, made anew when a request of the fuzz was good enough to take it away.</summary>
internal sealed class FuzzedHost(ChaosFleet fleet, Random random)
{
    private const string Devdax = "namespace0.0";
    private int _made;
    private string _host = "none";
    private IReadOnlyDictionary<string, IReadOnlyList<string>> _known = new Dictionary<string, IReadOnlyList<string>>();

    public int Made => _made;

    public IReadOnlyList<string> Known(string parameter) => _known.GetValueOrDefault(parameter) ?? ["x"];

    public async Task EnsureAsync()
    {
        await fleet.QuietAsync();
        var host = await fleet.Client.GetAsync($"/v1/hosts/{_host}");
        if (host.Status != 200 || (string?)host.Body!["state"] != "ready" || (int)host.Body!["regionCount"]! < 2
            || (await fleet.Client.GetAsync($"/v1/hosts/{_host}/dax-devices/dax0.0")).Status != 200)
        {
            await MakeAsync();
        }
    }

    private async Task MakeAsync()
    {
        _host = string.Create(CultureInfo.InvariantCulture, $"fuzz-{++_made}");
        await fleet.CreateHostAsync(_host, dimms: 2, capacity: 256 << 20);
        await CreateAsync("region0", "devdax", 32 << 20);
        await CreateAsync("region1", "raw", 16 << 20);
        await CreateAsync("region1", "sector", 32 << 20);
        await CreateAsync("region1", "fsdax", 32 << 20);
        var process = await ChaosFleet.MustAsync(fleet.Client.PostAsync($"/v1/hosts/{_host}/processes", new JsonObject { ["comm"] = "fuzz" }, Key()));
        var pid = process.Body!["pid"]!.ToString();
        var mapping = await ChaosFleet.MustAsync(fleet.Client.PostAsync(
            $"/v1/hosts/{_host}/processes/{pid}/mappings", new JsonObject { ["device"] = "dax0.0", ["length"] = "4M" }, Key()));
        var keys = await fleet.Client.ListAsync("/v1/api-keys");
        var operations = await fleet.Client.ListAsync("/v1/operations");
        _known = new Dictionary<string, IReadOnlyList<string>>
        {
            ["host"] = [_host],
            ["dimm"] = ["nmem0", "nmem1"],
            ["region"] = ["region0", "region1"],
            ["namespace"] = [Devdax, "namespace1.0", "namespace1.1", "namespace1.2"],
            ["device"] = ["dax0.0", "0"],
            ["pid"] = [pid],
            ["mapping"] = [mapping.Body!["id"]?.ToString() ?? "1"],
            // the tests' own key stays
            ["id"] = [Guid.NewGuid().ToString(), .. operations.Take(3).Select(operation => operation["id"]!.ToString())],
            ["worker"] = ["worker-0"],
        };
        Assert.NotEmpty(keys);
        await fleet.QuietAsync();
    }

    private Task<Answer> CreateAsync(string region, string mode, long size) => ChaosFleet.MustAsync(fleet.Client.PostAsync(
        $"/v1/hosts/{_host}/namespaces", new JsonObject { ["region"] = region, ["mode"] = mode, ["size"] = size }, Key()));

    private string Key() => $"fuzz-{random.NextInt64():x}";
}
