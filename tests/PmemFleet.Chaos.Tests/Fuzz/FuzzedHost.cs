using System.Globalization;
using System.Text.Json.Nodes;
using PmemFleet.Chaos.Tests.Support;

namespace PmemFleet.Chaos.Tests.Fuzz;

/// <summary>A host with something of everything on it, made anew when a request of the fuzz was good enough to take it away.</summary>
internal sealed class FuzzedHost(ChaosFleet fleet, Random random)
{
    private const string Devdax = "namespace0.0";
    private const string Worker = "worker-0";

    /// <summary>Behind all namespaces, so that it is in nobody's way.</summary>
    private const long PoisonedDpa = 200 << 20;

    private readonly FuzzedIds _ids = new(fleet, random);
    private int _made;
    private string _host = "none";
    private Dictionary<string, IReadOnlyList<string>> _known = [];

    public int Made => _made;

    public IReadOnlyList<string> Known(string parameter) => _known.GetValueOrDefault(parameter) ?? ["x"];

    /// <summary>What the operation's path names is there; <see cref="Known"/> then speaks of it.</summary>
    /// <returns>Whether anything had to be made.</returns>
    public async Task<bool> EnsureAsync(ApiOperation operation)
    {
        var before = _made + _ids.Made;
        await fleet.QuietAsync();
        var host = await fleet.Client.GetAsync($"/v1/hosts/{_host}");
        if (host.Status != 200 || (string?)host.Body!["state"] != "ready" || (int)host.Body!["regionCount"]! < 2
            || (await fleet.Client.GetAsync($"/v1/hosts/{_host}/dax-devices/dax0.0")).Status != 200 || !await IsThereAsync(operation.Path))
        {
            await MakeAsync();
        }

        if (operation.Path.Contains("{id}", StringComparison.Ordinal))
        {
            await ResumeWorkerAsync();
            _known["id"] = [Guid.NewGuid().ToString(), .. await _ids.EnsureAsync(operation.Path, _host)];
        }

        return _made + _ids.Made > before;
    }

    /// <summary>The innermost resource of a host's path.</summary>
    private async Task<bool> IsThereAsync(string path)
    {
        if (!path.StartsWith("/v1/hosts/{host}/", StringComparison.Ordinal))
        {
            return true;
        }

        var resource = path[..(path.LastIndexOf('}') + 1)];
        foreach (var (parameter, values) in _known)
        {
            resource = resource.Replace($"{{{parameter}}}", values[0], StringComparison.Ordinal);
        }

        return (await fleet.Client.GetAsync(resource)).Status != 404;
    }

    private async Task MakeAsync()
    {
        await ResumeWorkerAsync();
        _host = string.Create(CultureInfo.InvariantCulture, $"fuzz-{++_made}");
        await fleet.CreateHostAsync(_host, dimms: 2, capacity: 256 << 20);
        await CreateAsync("region0", "devdax", 32 << 20);
        await CreateAsync("region1", "raw", 16 << 20);
        await CreateAsync("region1", "sector", 32 << 20);
        await CreateAsync("region1", "fsdax", 32 << 20);
        var process = await MustAsync($"/v1/hosts/{_host}/processes", new JsonObject { ["comm"] = "fuzz" });
        var pid = process.Body!["pid"]!.ToString();
        var mapping = await MustAsync($"/v1/hosts/{_host}/processes/{pid}/mappings", new JsonObject { ["device"] = "dax0.0", ["length"] = "4M" });
        string[] dimms = ["nmem0", "nmem1"];
        foreach (var dimm in dimms)
        {
            await MustAsync($"/v1/hosts/{_host}/media-errors", new JsonObject { ["dimm"] = dimm, ["offset"] = PoisonedDpa, ["length"] = 256 });
        }

        _known = new Dictionary<string, IReadOnlyList<string>>
        {
            ["host"] = [_host],
            ["dimm"] = dimms,
            ["dpa"] = [PoisonedDpa.ToString(CultureInfo.InvariantCulture)],
            ["region"] = ["region0", "region1"],
            ["namespace"] = [Devdax, "namespace1.0", "namespace1.1", "namespace1.2"],
            ["device"] = ["dax0.0", "0"],
            ["pid"] = [pid],
            ["mapping"] = [mapping.Body!["id"]?.ToString() ?? "1"],
            ["worker"] = [Worker],
        };
        await fleet.QuietAsync();
    }

    /// <summary>The fuzz may have drained it, and it is the only one.</summary>
    private Task<Answer> ResumeWorkerAsync() => MustAsync($"/v1/workers/{Worker}/resume", null);

    private Task<Answer> CreateAsync(string region, string mode, long size) =>
        MustAsync($"/v1/hosts/{_host}/namespaces", new JsonObject { ["region"] = region, ["mode"] = mode, ["size"] = size });

    private Task<Answer> MustAsync(string path, JsonNode? body) => ChaosFleet.MustAsync(fleet.Client.PostAsync(path, body, $"fuzz-{random.NextInt64():x}"));
}
