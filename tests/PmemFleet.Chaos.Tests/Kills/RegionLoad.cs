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

    /// <summary>Makes one; where it is to be the oldest, the others stay the newer ones.</summary>
    public async Task CreateAsync(string? inMode = null, bool asOldest = false)
    {
        var uuid = NewGuid();
        var mode = inMode ?? AnyMode();
        var body = new JsonObject { ["region"] = $"region{region}", ["mode"] = mode, ["size"] = (random.Next(2, 4) * 16L) << 20, ["altName"] = $"{uuid:N}", ["uuid"] = uuid };
        var answer = await client.PostAsync($"{HostPath}/namespaces", body, Key());
        if (answer.Status == 409 && answer.Body!["errno"]?.ToString() == "ENOSPC")
        {
            return;
        }

        Assert.True(answer.IsSuccess, $"create {mode} on {host}: {answer}");
        Count("namespace.created");
        _namespaces.Insert(asOldest ? 0 : _namespaces.Count, new KnownNamespace { Name = (string)answer.Body!["name"]!, Uuid = uuid, Mode = mode });
    }

    public async Task ReconfigureAsync(KnownNamespace target, string? toMode = null)
    {
        var mode = toMode ?? AnyMode();
        var key = Key();
        var body = new JsonObject { ["mode"] = mode, ["force"] = true };
        var answer = await OnItAsync(target, etag => client.PostAsync($"{PathOf(target)}/reconfigure", body, key, etag));
        Assert.True(answer.IsSuccess, $"reconfigure {target.Name} of {host} from {target.Mode} to {mode}: {answer}");
        Count("namespace.reconfigured");
        target.Mode = mode;
        target.Written.Clear();
        target.Poisoned.Clear();
    }

    public async Task DestroyAsync(KnownNamespace target)
    {
        while (true)
        {
            var etag = await ResolveAsync(target);
            var answer = await client.DeleteAsync($"{PathOf(target)}?force=true", etag);

            // .NET's own client sends a request without a body again where a kept connection broke: a first answer may be the second one's
            if (answer.IsSuccess || (answer.Status is 404 or 412 && await FindAsync(target) is null))
            {
                Count("namespace.destroyed");
                _namespaces.Remove(target);
                return;
            }

            Assert.True(answer.Status is 404 or 412, $"destroy {target.Name} of {host}: {answer}");
        }
    }

    public async Task WriteAsync(KnownNamespace target)
    {
        var first = random.Next(Blocks);
        var bytes = new byte[BlockSize * Math.Min(random.Next(1, 5), Blocks - first)];
        random.NextBytes(bytes);
        var answer = await OnItAsync(target, etag => client.PutAsync(DataPath(target, first), bytes, etag));
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

    /// <summary>All of them are; neighbours that were written are one read.</summary>
    public async Task VerifyAsync(KnownNamespace target)
    {
        foreach (var block in target.Poisoned.ToList())
        {
            await VerifyAsync(target, block);
        }

        foreach (var first in target.Written.Keys.Where(block => !target.Written.ContainsKey(block - 1)).Order().ToList())
        {
            var count = 1;
            while (target.Written.ContainsKey(first + count))
            {
                count++;
            }

            await VerifyAsync(target, first, count);
        }
    }

    /// <summary>By the DIMM's address, which no boot changes: the request cannot carry the namespace's tag.</summary>
    public async Task InjectAsync(KnownNamespace target)
    {
        if (target.Mode is not ("raw" or "fsdax"))
        {
            return;
        }

        var block = random.Next(Blocks);
        await ResolveAsync(target);
        var found = await client.GetAsync(PathOf(target));
        if (found.Status == 404 || (found.IsSuccess && (string?)found.Body!["altName"] != $"{target.Uuid:N}"))
        {
            // a boot in between gave it another name
            return;
        }

        Assert.True(found.IsSuccess, $"{target.Name} of {host}: {found}");
        var space = found.Body!;

        var dpa = (long)space["extents"]![0]!["dpa"]! + ((long?)space["dataOffset"] ?? 0) + (block * BlockSize) + (random.Next(8) * 512);
        var answer = await client.PostAsync($"{HostPath}/media-errors", new JsonObject { ["dimm"] = $"nmem{region}", ["offset"] = dpa, ["length"] = 512 }, Key());
        Assert.True(answer.IsSuccess, $"inject into {target.Name} ({target.Mode}) of {host}: {answer}");
        Count("media-errors.injected");
        target.Written.Remove(block);
        target.Poisoned.Add(block);
    }

    public async Task ClearAsync(KnownNamespace target)
    {
        await ResolveAsync(target);
        var name = target.Name;
        var answer = await client.PostAsync($"{HostPath}/media-errors/clear", new JsonObject { ["namespace"] = name }, Key());
        if (answer.Status == 404)
        {
            return;
        }

        Assert.True(answer.IsSuccess, $"clear {target.Name} of {host}: {answer}");
        Count("media-errors.cleared");
        await ResolveAsync(target);
        foreach (var cleared in target.Name == name ? [target] : _namespaces)
        {
            if (cleared.Mode is not "sector")
            {
                cleared.Poisoned.Clear();
            }
        }
    }

    public async Task PowerAsync()
    {
        var action = random.Next(2) == 0 ? "cycle" : "cut";
        var answer = await client.PostAsync($"{HostPath}/power", new JsonObject { ["action"] = action }, Key());
        Assert.True(answer.IsSuccess, $"power {action} of {host}: {answer}");
        Count($"host.power-{action}");
    }

    private async Task VerifyAsync(KnownNamespace target, long block, int count = 1)
    {
        var answer = await OnItAsync(target, async etag =>
        {
            var name = target.Name;
            var read = await client.GetAsync($"{DataPath(target, block)}&length={count * BlockSize}");

            // a refusal has no tag: whom it was about shows by who has the name afterwards
            var isOther = read.ETag is { } seen ? IdOf(seen) != IdOf(etag) : IdOf(await ResolveAsync(target)) != IdOf(etag) || target.Name != name;
            return isOther ? read with { Status = 412 } : read;
        });
        if (target.Poisoned.Contains(block))
        {
            Assert.True(answer.Status == 409 && answer.Body!["errno"]?.ToString() == "EIO", $"block {block} of {target.Name} ({target.Mode}) of {host} is poisoned, but a read gives {answer.Status} {answer.Code}");
            return;
        }

        Assert.True(answer.IsSuccess, $"read {target.Name} ({target.Mode}) of {host}, block {block}: {answer}");
        Assert.Equal(count * BlockSize, answer.Bytes.Length);
        for (var i = 0; i < count; i++)
        {
            Assert.True(answer.Bytes.AsSpan(i * BlockSize, BlockSize).SequenceEqual(target.Written[block + i]), $"block {block + i} of {target.Name} ({target.Mode}) of {host} is not what was acknowledged");
        }
    }

    /// <summary>
    /// Asks with the namespace's tag: a boot may give its name to another namespace (libnvdimm numbers them as it finds their labels), and the tag
    /// keeps a request from meeting that one.
    /// </summary>
    private async Task<Answer> OnItAsync(KnownNamespace target, Func<string, Task<Answer>> ask)
    {
        for (var attempt = 0; ; attempt++)
        {
            var answer = await ask(await ResolveAsync(target));
            if (answer.Status is not (404 or 412) || attempt == 50)
            {
                return answer;
            }
        }
    }

    /// <summary>The name it has now; its tag.</summary>
    private async Task<string> ResolveAsync(KnownNamespace target)
    {
        for (var attempt = 0; ; attempt++)
        {
            var found = await FindAsync(target);
            Assert.True(found is not null, $"{target.Name} of {host}, {target.Uuid:N}, is gone");
            target.Name = (string)found!["name"]!;
            var now = await client.GetAsync(PathOf(target));
            if (now.IsSuccess && (string?)now.Body!["altName"] == $"{target.Uuid:N}")
            {
                return now.ETag!;
            }

            Assert.True(attempt < 50, $"{target.Name} of {host} is listed, and not there: {now}");
        }
    }

    private async Task<JsonNode?> FindAsync(KnownNamespace target) =>
        (await client.ListAsync($"{HostPath}/namespaces")).Find(space => (string?)space["altName"] == $"{target.Uuid:N}");

    /// <summary>A tag is the resource's id and its version.</summary>
    private static string IdOf(string etag) => etag.Split('.')[0];

    private string PathOf(KnownNamespace target) => $"{HostPath}/namespaces/{target.Name}";

    private string DataPath(KnownNamespace target, long block) => string.Create(CultureInfo.InvariantCulture, $"{PathOf(target)}/data?offset={block * BlockSize}");

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
