using System.Buffers.Binary;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Sync;
using PmemFleet.Worker.Tests.Support;

namespace PmemFleet.Worker.Tests.DataPlane;

/// <summary>Latent poison under a sector namespace's data, map, log and info block (spec 30 section 11): an I/O error with its consequence, never a crash.</summary>
public sealed class BttErrorTests : IAsyncLifetime
{
    private const int Info = 4096;
    private const int Sector = 4096;
    private WorkerFixture _worker = null!;
    private byte[] _info = [];

    public async Task InitializeAsync()
    {
        _worker = await WorkerFixture.StartAsync();
        Assert.IsType<StepBound>(Assert.Single((await _worker.RunAsync(TestLayout.Bind(TestLayout.Btt, "btt"))).Steps));
        using var block = await _worker.Client.RawAsync(HttpMethod.Get, $"namespaces/namespace0.0/info-block?offset={Info}");
        _info = await block.Content.ReadAsByteArrayAsync();
    }

    public async Task DisposeAsync() => await _worker.DisposeAsync();

    // offsets of the arena's parts in its info block, from the info block on (spec 30 section 3)
    private long Data => TestLayout.Start + Info + BinaryPrimitives.ReadInt64LittleEndian(_info.AsSpan(88));

    private long Map => TestLayout.Start + Info + BinaryPrimitives.ReadInt64LittleEndian(_info.AsSpan(96));

    private long Log => TestLayout.Start + Info + BinaryPrimitives.ReadInt64LittleEndian(_info.AsSpan(104));

    [Fact]
    public async Task Data_Poisoned_IsAnErrorUntilItsSectorIsWritten()
    {
        await WriteAsync(3, 7);
        var block = await FindAsync(7);
        await _worker.PoisonAsync(block, 256, notify: false);

        Assert.Equal("EIO", await ReadAsync(3));
        await IsKnownAsync(1);
        await _worker.RunAsync(new ClearErrorsStep { Start = TestLayout.Start, Length = TestLayout.RegionBytes });
        await RebootAsync();
        Assert.Equal("EIO", await ReadAsync(3));
        await WriteAsync(3, 9);
        Assert.Null(await ReadAsync(3));
        Assert.Equal(9, (await _worker.Client.ReadAsync(3 * Sector, Sector))[100]);
    }

    [Fact]
    public async Task Map_Poisoned_IsAnErrorOfTheSectorsItMaps()
    {
        await WriteAsync(0, 1);
        await WriteAsync(1000, 2);
        await _worker.PoisonAsync(Map, 512, notify: false);

        Assert.Equal("EIO", await ReadAsync(0));
        Assert.Equal("EIO", (await PutAsync(5, 3)).Refused.Errno);
        await IsKnownAsync(1);
        Assert.Null(await ReadAsync(1000));
        await WriteAsync(1001, 4);
    }

    [Fact]
    public async Task Log_Poisoned_KeepsTheNamespaceDisabledAndTheHostUp()
    {
        await WriteAsync(0, 1);
        await _worker.PoisonAsync(Log, 256, notify: false);

        var bound = await RebootAsync();

        Assert.Equal("ENOMEM", Assert.IsType<StepRefused>(bound).Refusal.Errno);
        await IsKnownAsync(1);
        Assert.Equal("not-bound", (await PutAsync(0, 2)).Refused.Code);
        Assert.IsType<StepScrubbed>(Assert.Single((await _worker.RunAsync(new ScrubStep())).Steps));
    }

    [Fact]
    public async Task InfoBlock_Poisoned_ComesUpRawAndTheErrorIsKnown()
    {
        await _worker.PoisonAsync(TestLayout.Start + Info, 256, notify: false);

        Assert.Equal("raw", Assert.IsType<StepBound>(await RebootAsync()).Kind);
        await IsKnownAsync(1);
    }

    private async Task<StepResult> RebootAsync()
    {
        await _worker.RunAsync(new BootStep { UnsafeShutdown = true });
        return Assert.Single((await _worker.RunAsync(TestLayout.Bind(null, "btt"))).Steps);
    }

    private Task IsKnownAsync(int ranges) =>
        Deadlines.UntilAsync(() => _worker.Host.Seen.Values.Sum(seen => seen.BadRanges.Count) == ranges, "what was consumed is known");

    private Task<Reply<DataWrittenDto>> PutAsync(int sector, byte value) =>
        _worker.Client.PutAsync<DataWrittenDto>($"namespaces/namespace0.0/data?offset={sector * Sector}", [.. Enumerable.Repeat(value, Sector)]);

    private async Task WriteAsync(int sector, byte value) => Assert.Equal(200, (await PutAsync(sector, value)).Status);

    private async Task<string?> ReadAsync(int sector)
    {
        using var read = await _worker.Client.RawAsync(HttpMethod.Get, $"namespaces/namespace0.0/data?offset={sector * Sector}&length={Sector}");
        return read.IsSuccessStatusCode ? null
            : (await _worker.Client.GetAsync<DataWrittenDto>($"namespaces/namespace0.0/data?offset={sector * Sector}&length={Sector}")).Refusal!.Errno;
    }

    /// <summary>Where the block with a sector's bytes lies: the DIMMs are searched, the map is not asked.</summary>
    private async Task<long> FindAsync(byte value)
    {
        var media = new Dictionary<Guid, byte[]>();
        foreach (var dimm in _worker.Host.Layout.Dimms)
        {
            using var answer = await _worker.Client.RawAsync(HttpMethod.Get, $"dimms/{dimm.DimmId}/media");
            media[dimm.DimmId] = await answer.Content.ReadAsByteArrayAsync();
        }

        for (var at = Data; at < Map; at += Sector)
        {
            var place = TestLayout.Place(_worker.Host.Layout, at, Sector);
            if (media[place.DimmId][place.Dpa] == value)
            {
                return at;
            }
        }

        throw new InvalidOperationException("the sector's bytes are nowhere");
    }
}
