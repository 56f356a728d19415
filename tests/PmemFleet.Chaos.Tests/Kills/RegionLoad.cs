using System.Globalization;
using System.Text.Json.Nodes;
using PmemFleet.Chaos.Tests.Support;

namespace PmemFleet.Chaos.Tests.Kills;

/// <summary>
/// One client that works on one region, one request after the other, and remembers what was acknowledged. What it is told must stay true,
/// whatever is killed.
/// </summary>
internal sealed class RegionLoad(PatientClient client, string host, int region, Random random)
{
    public const int BlockSize = 4096;
    private const int Blocks = 64;
    private static readonly string[] Modes = ["raw", "sector", "fsdax", "devdax"];

    private readonly List<KnownNamespace> _namespaces = [];
    private readonly Dictionary<string, int> _effects = [];
    private int _requests;

    public IReadOnlyList<KnownNamespace> Namespaces => _namespaces;

    /// <summary>Acknowledged effects by the type of their event.</summary>
    public IReadOnlyDictionary<string, int> Effects => _effects;

    public int Requests => _requests;

    private string HostPath => $"/v1/hosts/{host}";

    public async Task StepAsync()
    {
        _requests++;
        var dice = random.Next(100);
        if (_namespaces.Count == 0 || (dice < 12 && _namespaces.Count < 4))
        {
            await CreateAsync();
        }
        else if (dice < 20)
        {
            await DestroyAsync(Any());
        }
        else if (dice < 30)
        {
            await ReconfigureAsync(Any());
        }
        else if (dice < 34 && region == 0)
        {
            await PowerAsync();
        }
        else if (Any() is { HasBlocks: true } target)
        {
            await (dice < 66 ? WriteAsync(target) : dice < 80 ? ReadAsync(target) : dice < 92 ? InjectAsync(target) : ClearAsync(target));
        }
    }

    public async Task CreateAsync()
    {
        var uuid = NewGuid();
        var mode = AnyMode();
        var body = new JsonObject { ["region"] = $"region{region}", ["mode"] = mode, ["size"] = (random.Next(2, 4) * 16L) << 20, ["altName"] = $"{uuid:N}", ["uuid"] = uuid };
        var answer = await client.PostAsync($"{HostPath}/namespaces", body, Key());
        if (answer.Status == 409 && answer.Body!["errno"]?.ToString() == "ENOSPC")
        {
            return;
        }

        Assert.True(answer.IsSuccess, $"create {mode} on {host}: {answer}");
        Count("namespace.created");
        _namespaces.Add(new KnownNamespace { Name = (string)answer.Body!["name"]!, Uuid = uuid, Mode = mode });
    }

    public async Task ReconfigureAsync(KnownNamespace target)
    {
        var mode = AnyMode();
        var answer = await client.PostAsync($"{HostPath}/namespaces/{target.Name}/reconfigure", new JsonObject { ["mode"] = mode, ["force"] = true }, Key());
        Assert.True(answer.IsSuccess, $"reconfigure {target.Name} of {host} from {target.Mode} to {mode}: {answer}");
        Count("namespace.reconfigured");
        (target.Name, target.Mode) = ((string)answer.Body!["name"]!, mode);
        target.Written.Clear();
        target.Poisoned.Clear();
    }

    public async Task DestroyAsync(KnownNamespace target)
    {
        while (true)
        {
            var now = await client.GetAsync($"{HostPath}/namespaces/{target.Name}");
            Assert.True(now.IsSuccess && (string?)now.Body!["altName"] == $"{target.Uuid:N}", $"{target.Name} of {host} is not what was made: {now}");
            var answer = await client.DeleteAsync($"{HostPath}/namespaces/{target.Name}?force=true", now.ETag!);
            // .NET's own client sends a request without a body again where a kept connection broke: a first answer may be the second one's
            if (answer.IsSuccess || (answer.Status is 404 or 412 && !await ExistsAsync(target)))
            {
                Count("namespace.destroyed");
                _namespaces.Remove(target);
                return;
            }

            Assert.True(answer.Status == 412, $"destroy {target.Name} of {host}: {answer}");
        }
    }

    public async Task WriteAsync(KnownNamespace target)
    {
        var first = random.Next(Blocks);
        var bytes = new byte[BlockSize * Math.Min(random.Next(1, 5), Blocks - first)];
        random.NextBytes(bytes);
        var answer = await client.PutAsync(DataPath(target, first), bytes);
        Assert.True(answer.IsSuccess, $"write {target.Name} ({target.Mode}) of {host}, block {first}: {answer}");
        for (var i = 0; i < bytes.Length / BlockSize; i++)
        {
            target.Written[first + i] = bytes[(i * BlockSize)..((i + 1) * BlockSize)];
            target.Poisoned.Remove(first + i);
        }
    }

    /// <summary>A block that was written or poisoned is what it was.</summary>
    public async Task ReadAsync(KnownNamespace target)
    {
        List<long> known = [.. target.Written.Keys, .. target.Poisoned];
        if (known.Count > 0)
        {
            await VerifyAsync(target, known[random.Next(known.Count)]);
        }
    }

    public async Task VerifyAsync(KnownNamespace target)
    {
        foreach (var block in target.Written.Keys.Concat(target.Poisoned).ToList())
        {
            await VerifyAsync(target, block);
        }
    }

    public async Task InjectAsync(KnownNamespace target)
    {
        if (target.Mode is not ("raw" or "fsdax"))
        {
            return;
        }

        var block = random.Next(Blocks);
        var body = new JsonObject { ["namespace"] = target.Name, ["block"] = (block * 8) + random.Next(8), ["count"] = 1 };
        var answer = await client.PostAsync($"{HostPath}/media-errors", body, Key());
        Assert.True(answer.IsSuccess, $"inject into {target.Name} ({target.Mode}) of {host}: {answer}");
        Count("media-errors.injected");
        target.Written.Remove(block);
        target.Poisoned.Add(block);
    }

    public async Task ClearAsync(KnownNamespace target)
    {
        var answer = await client.PostAsync($"{HostPath}/media-errors/clear", new JsonObject { ["namespace"] = target.Name }, Key());
        Assert.True(answer.IsSuccess, $"clear {target.Name} of {host}: {answer}");
        Count("media-errors.cleared");
        if (target.Mode is not "sector")
        {
            target.Poisoned.Clear();
        }
    }

    public async Task PowerAsync()
    {
        var action = random.Next(2) == 0 ? "cycle" : "cut";
        var answer = await client.PostAsync($"{HostPath}/power", new JsonObject { ["action"] = action }, Key());
        Assert.True(answer.IsSuccess, $"power {action} of {host}: {answer}");
        Count($"host.power-{action}");
    }

    private async Task VerifyAsync(KnownNamespace target, long block)
    {
        var answer = await client.GetAsync(DataPath(target, block) + $"&length={BlockSize}");
        if (target.Poisoned.Contains(block))
        {
            Assert.True(answer.Status == 409 && answer.Body!["errno"]?.ToString() == "EIO", $"block {block} of {target.Name} ({target.Mode}) of {host} is poisoned, but a read gives {answer.Status} {answer.Code}");
            return;
        }

        Assert.True(answer.IsSuccess, $"read {target.Name} ({target.Mode}) of {host}, block {block}: {answer}");
        Assert.True(answer.Bytes.AsSpan().SequenceEqual(target.Written[block]), $"block {block} of {target.Name} ({target.Mode}) of {host} is not what was acknowledged");
    }

    private async Task<bool> ExistsAsync(KnownNamespace target) =>
        (await client.ListAsync($"{HostPath}/namespaces")).Any(space => (string?)space["altName"] == $"{target.Uuid:N}");

    private string DataPath(KnownNamespace target, long block) => string.Create(CultureInfo.InvariantCulture, $"{HostPath}/namespaces/{target.Name}/data?offset={block * BlockSize}");

    private KnownNamespace Any() => _namespaces[random.Next(_namespaces.Count)];

    private string AnyMode() => Modes[random.Next(Modes.Length)];

    private Guid NewGuid()
    {
        Span<byte> bytes = stackalloc byte[16];
        random.NextBytes(bytes);
        return new Guid(bytes);
    }

    private string Key() => $"{host}-{region}-{NewGuid():N}";

    private void Count(string effect) => _effects[effect] = _effects.GetValueOrDefault(effect) + 1;
}
