using PmemFleet.Contracts;
using PmemFleet.Contracts.DataPlane;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Processes;
using PmemFleet.Contracts.Sync;
using PmemFleet.Worker.Tests.Support;

namespace PmemFleet.Worker.Tests.DataPlane;

/// <summary>Dry runs: the answer is the one that the request itself then gets, and nothing is changed by asking for it.</summary>
public sealed class RehearsedWriteTests : IAsyncLifetime
{
    private const long Sector = 512;
    private WorkerFixture _worker = null!;

    public async Task InitializeAsync() => _worker = await WorkerFixture.StartAsync();

    public async Task DisposeAsync() => await _worker.DisposeAsync();

    [Fact]
    public async Task Process_EveryWrite_AnswersAsTheRealOneAndLeavesNothing()
    {
        await _worker.RunAsync(TestLayout.Bind(TestLayout.DevDax, "dax"));
        await BothAsync<ProcessDto>(HttpMethod.Post, "processes", new CreateProcessRequest { Comm = "redis" });
        await BothAsync<MappingDto>(HttpMethod.Post, "processes/100/mappings", new CreateMappingRequest { Device = "dax0.0", Length = new ByteSize(8 << 20), Flags = ["private"] });
        await BothAsync<MappingDto>(HttpMethod.Post, "processes/100/mappings", new CreateMappingRequest { Device = "dax0.0", Length = new ByteSize(8 << 20), Flags = ["shared", "populate"] });
        await BothAsync<AccessDto>(HttpMethod.Post, "processes/100/accesses", new CreateAccessRequest { Mapping = 1, Length = new ByteSize(4 << 20), Stride = new ByteSize(4096), Trace = true });
        await BothAsync<AccessDto>(HttpMethod.Post, "processes/100/accesses", new CreateAccessRequest { Address = "0x1000", Kind = "write" });
        await BothAsync<SystemCallDto>(HttpMethod.Post, "processes/100/system-calls", new CreateSystemCallRequest { Call = "open", Path = "/dev/dax0.0" });
        await BothAsync<SystemCallDto>(HttpMethod.Post, "processes/100/system-calls", new CreateSystemCallRequest { Call = "pin", Mapping = 1, Length = new ByteSize(8192), Write = true });
        await BothAsync<ProcessDto>(HttpMethod.Post, "processes/100/fork", null);
        await BothAsync<SystemCallDto>(HttpMethod.Post, "processes/100/system-calls", new CreateSystemCallRequest { Call = "madvise", Mapping = 1, Advice = "hwpoison", Length = new ByteSize(4096) });
        await BothAsync<SystemCallDto>(HttpMethod.Post, "processes/100/system-calls", new CreateSystemCallRequest { Call = "unpin", Pin = 1 });
        await BothAsync<MappingDto>(HttpMethod.Patch, "processes/100/mappings/1", new ProtectMappingRequest { Protection = ["read"] });
        await BothAsync<AccessDto>(HttpMethod.Post, "processes/100/accesses", new CreateAccessRequest { Mapping = 1, Kind = "write" });
        await BothAsync<Acknowledged>(HttpMethod.Delete, "processes/100/mappings/1", null);
        await BothAsync<MappingDto>(HttpMethod.Delete, "processes/100/mappings/1", null);
        await BothAsync<Acknowledged>(HttpMethod.Delete, "processes/101", null);
        await BothAsync<Acknowledged>(HttpMethod.Delete, "processes/100", null);
        await BothAsync<ProcessDto>(HttpMethod.Post, "processes", new CreateProcessRequest());
    }

    [Fact]
    public async Task Access_ThatStores_LeavesTheBytes()
    {
        await _worker.RunAsync(TestLayout.Bind(TestLayout.DevDax, "dax"));
        await _worker.Client.PostAsync<ProcessDto>("processes", new CreateProcessRequest());
        await _worker.Client.PostAsync<MappingDto>("processes/100/mappings", new CreateMappingRequest { Device = "dax0.0", Length = new ByteSize(8 << 20) });
        var before = await MediaAsync();

        await BothAsync<AccessDto>(
            HttpMethod.Post, "processes/100/accesses", new CreateAccessRequest { Mapping = 1, Kind = "write", Data = [1, 2, 3], ReturnData = true }, alone: true);

        Assert.Equal(before, await MediaAsync());
    }

    [Fact]
    public async Task Access_ThatMeetsPoison_TellsTheSignalAndNobodyElse()
    {
        var bound = Assert.IsType<StepBound>(Assert.Single((await _worker.RunAsync(TestLayout.Bind(TestLayout.DevDax, "dax"))).Steps));
        await _worker.PoisonAsync(TestLayout.Start + bound.DataOffset!.Value + (bound.StartPad ?? 0), 256, notify: false);
        await _worker.Client.PostAsync<ProcessDto>("processes", new CreateProcessRequest());
        await _worker.Client.PostAsync<MappingDto>("processes/100/mappings", new CreateMappingRequest { Device = "dax0.0", Length = new ByteSize(8 << 20) });

        var rehearsed = await _worker.Client.PostAsync<AccessDto>("dry-run/processes/100/accesses", new CreateAccessRequest { Mapping = 1 });

        Assert.Equal(("BUS_MCEERR_AR", 0), (rehearsed.Value!.Signal!.Code, rehearsed.ObservationCount));
        Assert.Null((await _worker.Client.GetAsync<ProcessDto>("processes/100")).Value!.Signal);
        var real = await _worker.Client.PostAsync<AccessDto>("processes/100/accesses", new CreateAccessRequest { Mapping = 1 });
        Assert.Equal(("BUS_MCEERR_AR", 1), (real.Value!.Signal!.Code, real.ObservationCount));
        Assert.Equal(rehearsed.Value.Messages, real.Value.Messages);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("btt")]
    public async Task Data_Write_AnswersAsTheRealOneAndStoresNothing(string? personality)
    {
        await _worker.RunAsync(TestLayout.Bind(personality == "btt" ? TestLayout.Btt : null, personality ?? "none"));
        var before = await MediaAsync();
        var bytes = Enumerable.Range(0, 64 << 10).Select(at => (byte)(at * 13)).ToArray();
        foreach (var query in (string[])["offset=8192", "offset=1", "offset=9223372036854771712", "offset=8192&start=512"])
        {
            var rehearsed = await _worker.Client.PutAsync<DataWrittenDto>($"dry-run/namespaces/namespace0.0/data?{query}", bytes);
            Assert.Equal(before, await MediaAsync());
            var real = await _worker.Client.PutAsync<DataWrittenDto>($"namespaces/namespace0.0/data?{query}", bytes);
            Assert.Equal((real.Status, real.Value, real.Refusal?.Code), (rehearsed.Status, rehearsed.Value, rehearsed.Refusal?.Code));
            before = await MediaAsync();
        }

        // the device goes on from where the last real write left it
        Assert.Equal(200, (await _worker.Client.PutAsync<DataWrittenDto>("namespaces/namespace0.0/data?offset=8192", [.. bytes.Reverse()])).Status);
        Assert.Equal(bytes.Reverse(), await _worker.Client.ReadAsync(8192, bytes.Length));
    }

    [Fact]
    public async Task Data_OverABadSector_TellsWhatItWouldClearAndClearsNothing()
    {
        await _worker.RunAsync(TestLayout.Bind());
        await _worker.PoisonAsync(TestLayout.Start + (20 * Sector), 256, notify: true);

        var rehearsed = await _worker.Client.PutAsync<DataWrittenDto>($"dry-run/namespaces/namespace0.0/data?offset={16 * Sector}", new byte[4096]);

        Assert.Equal((200, 1L, 0), (rehearsed.Status, rehearsed.Value!.ClearedSectors, rehearsed.ObservationCount));
        Assert.Equal((409, "EIO", "media-error"), (await _worker.Client.GetAsync<Acknowledged>($"namespaces/namespace0.0/data?offset={20 * Sector}&length={Sector}")).Refused);
        var real = await _worker.Client.PutAsync<DataWrittenDto>($"namespaces/namespace0.0/data?offset={16 * Sector}", new byte[4096]);
        Assert.Equal(rehearsed.Value, real.Value);
    }

    [Fact]
    public async Task Request_OfAnotherEpoch_IsFencedToo()
    {
        await _worker.RunAsync();
        var behind = new DataPlaneClient(_worker.Url, _worker.Host) { Epoch = 2 };
        Assert.Equal((409, "ESTALE", "fenced"), (await behind.PostAsync<ProcessDto>("dry-run/processes", new CreateProcessRequest())).Refused);
    }

    /// <summary>Asked twice as a dry run, then done.</summary>
    private async Task BothAsync<T>(HttpMethod method, string path, object? body, bool alone = false)
        where T : class
    {
        var before = await ShowAsync();
        var rehearsed = await TextAsync<T>(method, $"dry-run/{path}", body);
        Assert.Equal(rehearsed, await TextAsync<T>(method, $"dry-run/{path}", body));
        Assert.Equal(before, await ShowAsync());
        if (!alone)
        {
            Assert.Equal(rehearsed, await TextAsync<T>(method, path, body));
        }
    }

    private async Task<string> TextAsync<T>(HttpMethod method, string path, object? body)
        where T : class
    {
        using var response = await _worker.Client.RawAsync(method, path, body is null ? null : DataPlaneClient.Document(body));
        return $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}";
    }

    private async Task<string> ShowAsync()
    {
        var text = await TextAsync<ListPage<ProcessDto>>(HttpMethod.Get, "processes", null);
        foreach (var process in (await _worker.Client.GetAsync<ListPage<ProcessDto>>("processes")).Value!.Items)
        {
            text += await TextAsync<Acknowledged>(HttpMethod.Get, $"processes/{process.Pid}/smaps", null);
            text += await TextAsync<Acknowledged>(HttpMethod.Get, $"processes/{process.Pid}/mappings", null);
        }

        return text;
    }

    private async Task<string> MediaAsync()
    {
        var digests = new List<string>();
        foreach (var dimm in _worker.Host.Layout.Dimms)
        {
            using var answer = await _worker.Client.RawAsync(HttpMethod.Get, $"dimms/{dimm.DimmId}/media");
            digests.Add(Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(await answer.Content.ReadAsByteArrayAsync())));
        }

        return string.Join(' ', digests);
    }
}
