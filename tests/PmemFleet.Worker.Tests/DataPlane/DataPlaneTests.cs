using System.Net;
using System.Text;
using PmemFleet.Contracts;
using PmemFleet.Contracts.DataPlane;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Processes;
using PmemFleet.Contracts.Sync;
using PmemFleet.Worker.DataPlane;
using PmemFleet.Worker.Tests.Support;

namespace PmemFleet.Worker.Tests.DataPlane;

/// <summary>Processes, mappings, accesses and block devices through HTTP, as the Api asks for them.</summary>
public sealed class DataPlaneTests : IAsyncLifetime
{
    private WorkerFixture _worker = null!;

    public async Task InitializeAsync() => _worker = await WorkerFixture.StartAsync();

    public async Task DisposeAsync() => await _worker.DisposeAsync();

    [Fact]
    public async Task Request_WithoutTheCredential_IsRefusedBeforeItIsRead()
    {
        await _worker.RunAsync();
        foreach (var credential in (string[])["", "x", ScriptedFleetApi.DataPlaneCredential + "x"])
        {
            var stranger = new DataPlaneClient(_worker.Url, _worker.Host) { Credential = credential };
            using var response = await stranger.RawAsync(HttpMethod.Post, "processes", new StringContent("not json"));
            Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        }
    }

    [Fact]
    public async Task Request_OfAnotherEpoch_IsFenced()
    {
        await _worker.RunAsync();
        foreach (var epoch in (long[])[0, 2])
        {
            var behind = new DataPlaneClient(_worker.Url, _worker.Host) { Epoch = epoch };
            Assert.Equal((409, "ESTALE", "fenced"), (await behind.GetAsync<ListPage<ProcessDto>>("processes")).Refused);
        }
    }

    [Fact]
    public async Task Request_HostPoweredOff_IsNotReady()
    {
        await _worker.RunAsync(new ShutdownStep());

        Assert.Equal((503, "EAGAIN", "host-not-ready"), (await _worker.Client.GetAsync<ListPage<ProcessDto>>("processes")).Refused);
        using var smaps = await _worker.Client.RawAsync(HttpMethod.Get, "processes/100/smaps");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, smaps.StatusCode);
    }

    [Fact]
    [Trait("Row", "56")]
    public async Task Mapping_Private_IsRefusedWithTheRule()
    {
        var pid = await MapAsync();

        var refused = await _worker.Client.PostAsync<MappingDto>(
            $"processes/{pid}/mappings", new CreateMappingRequest { Device = "dax0.0", Length = new ByteSize(2 << 20), Flags = ["private"] });

        Assert.Equal((422, "EINVAL"), (refused.Status, refused.Refusal!.Errno));
    }

    [Fact]
    public async Task Mapping_MadeProtectedAndRemoved_IsShownAsItIs()
    {
        var pid = await MapAsync();
        var path = $"processes/{pid}/mappings/1";

        var made = await _worker.Client.GetAsync<MappingDto>(path);
        var guarded = await _worker.Client.PatchAsync<MappingDto>(path, new ProtectMappingRequest { Protection = ["read"] });
        var shown = await _worker.Client.GetAsync<MappingDto>(path);

        Assert.Equal(["read", "write"], made.Value!.Protection);
        Assert.Equal(["read"], guarded.Value!.Protection);
        Assert.Equal(["read"], shown.Value!.Protection);
        Assert.Equal(200, (await _worker.Client.DeleteAsync(path)).Status);
        Assert.Equal((404, "ENOENT", "not-found"), (await _worker.Client.GetAsync<MappingDto>(path)).Refused);
    }

    [Fact]
    public async Task Access_StoreThenLoad_GivesTheBytesBack()
    {
        var pid = await MapAsync();
        var bytes = Enumerable.Range(0, 20000).Select(at => (byte)(at * 7)).ToArray();

        var stored = await AccessAsync(pid, new CreateAccessRequest { Mapping = 1, Offset = new ByteSize(5000), Kind = "write", Data = bytes });
        var loaded = await AccessAsync(pid, new CreateAccessRequest { Mapping = 1, Offset = new ByteSize(5000), Length = new ByteSize(20000), ReturnData = true });

        Assert.Equal(1, stored.Value!.Faults.Pmd);
        Assert.Equal(bytes, loaded.Value!.Data);
    }

    [Fact]
    public async Task Access_ToTheProgramsOwnStack_IsRefusedWhereBytesAreMoved()
    {
        var pid = await MapAsync();
        using var smaps = await _worker.Client.RawAsync(HttpMethod.Get, $"processes/{pid}/smaps");
        var own = (await smaps.Content.ReadAsStringAsync()).Split('\n')[0].Split('-')[0];

        var refused = await AccessAsync(pid, new CreateAccessRequest { Address = $"0x{own}", ReturnData = true });

        Assert.Equal((422, "EINVAL", "not-dax-memory"), refused.Refused);
    }

    [Fact]
    public async Task Access_LoadFromPoison_SignalsAndMakesItKnownAndAStoreClearsNothing()
    {
        var pid = await MapAsync();
        var bound = _bound!;
        var spa = TestLayout.Start + bound.DataOffset!.Value + (bound.StartPad ?? 0) + (8 * 4096);
        await _worker.PoisonAsync(spa, 256, notify: false);
        Assert.All(_worker.Host.Seen.Values, seen => Assert.Empty(seen.BadRanges));

        var loaded = await AccessAsync(pid, new CreateAccessRequest { Mapping = 1, Offset = new ByteSize(8 * 4096) });
        var stored = await AccessAsync(pid, new CreateAccessRequest { Mapping = 1, Offset = new ByteSize(8 * 4096), Kind = "write", Data = new byte[4096] });
        var again = await AccessAsync(pid, new CreateAccessRequest { Mapping = 1, Offset = new ByteSize(8 * 4096) });

        Assert.Equal(("signalled", "SIGBUS", "BUS_MCEERR_AR", 21), (loaded.Value!.Outcome, loaded.Value.Signal!.Signal, loaded.Value.Signal.Code, loaded.Value.Signal.AddressLsb));
        Assert.Equal(1, loaded.ObservationCount);
        Assert.Equal("completed", stored.Value!.Outcome);
        Assert.Equal("BUS_MCEERR_AR", again.Value!.Signal!.Code);
        await Deadlines.UntilAsync(() => _worker.Host.Seen.Values.Any(seen => seen.BadRanges.Count > 0), "the bus tells of it");
    }

    [Fact]
    public async Task Process_LastSignal_IsToldEachTimeItIsAsked()
    {
        var pid = await MapAsync();
        await AccessAsync(pid, new CreateAccessRequest { Address = "0x1000" });

        var first = await _worker.Client.GetAsync<ProcessDto>($"processes/{pid}");
        var second = await _worker.Client.GetAsync<ProcessDto>($"processes/{pid}");

        Assert.Equal("SEGV_MAPERR", first.Value!.Signal?.Code);
        Assert.Equal(first.Value.Signal, second.Value!.Signal);
    }

    [Fact]
    public async Task Process_Forked_KnowsItsParentLater()
    {
        var pid = await MapAsync();
        var child = (await _worker.Client.PostAsync<ProcessDto>($"processes/{pid}/fork")).Value!;

        Assert.Equal(pid, (await _worker.Client.GetAsync<ProcessDto>($"processes/{child.Pid}")).Value!.ParentPid);
        Assert.Equal(200, (await _worker.Client.DeleteAsync($"processes/{child.Pid}")).Status);
        Assert.Equal(404, (await _worker.Client.GetAsync<ProcessDto>($"processes/{child.Pid}")).Status);
    }

    [Fact]
    public async Task IdempotencyKey_Repeated_IsDoneOnceAndAnotherRequestIsRefused()
    {
        await _worker.RunAsync();
        var client = new DataPlaneClient(_worker.Url, _worker.Host) { IdempotencyKey = "key-1" };

        var first = await client.PostAsync<ProcessDto>("processes", new CreateProcessRequest { Comm = "a" });
        var repeated = await client.PostAsync<ProcessDto>("processes", new CreateProcessRequest { Comm = "a" });
        var other = await client.PostAsync<ProcessDto>("processes", new CreateProcessRequest { Comm = "b" });

        Assert.Equal((first.Value!.Pid, false), (repeated.Value!.Pid, first.IsReplayed));
        Assert.Equal((true, false), (repeated.IsReplayed, other.IsReplayed));
        Assert.Equal((422, "EINVAL", "idempotency-key-reused"), other.Refused);
        Assert.Single((await _worker.Client.GetAsync<ListPage<ProcessDto>>("processes")).Value!.Items);
    }

    [Fact]
    public async Task IdempotencyKey_OfAConditionalWrite_IsLookedForBeforeItsTag()
    {
        var pid = await MapAsync();
        var mapping = $"processes/{pid}/mappings/1";
        var request = new ProtectMappingRequest { Protection = ["read"] };
        var tag = (await _worker.Client.GetAsync<MappingDto>(mapping)).Etag!;
        var patches = new DataPlaneClient(_worker.Url, _worker.Host) { IfMatch = tag, IdempotencyKey = $"{DataPlaneRoutes.OwnKeyPrefix}1" };

        var first = await patches.PatchAsync<MappingDto>(mapping, request);
        var again = await patches.PatchAsync<MappingDto>(mapping, request);
        var other = await new DataPlaneClient(_worker.Url, _worker.Host) { IfMatch = tag, IdempotencyKey = $"{DataPlaneRoutes.OwnKeyPrefix}2" }.PatchAsync<MappingDto>(mapping, request);
        var deletes = new DataPlaneClient(_worker.Url, _worker.Host) { IfMatch = first.Etag, IdempotencyKey = $"{DataPlaneRoutes.OwnKeyPrefix}3" };
        var gone = await deletes.DeleteAsync(mapping);

        Assert.Equal((200, false, 200, true), (first.Status, first.IsReplayed, again.Status, again.IsReplayed));
        Assert.Equal((first.Etag, first.Value!.PresentBytes), (again.Etag, again.Value!.PresentBytes));
        Assert.Equal((412, "ESTALE", "precondition-failed"), other.Refused);
        Assert.Equal((200, 200), (gone.Status, (await deletes.DeleteAsync(mapping)).Status));
    }

    [Fact]
    public void Keys_OfTheApi_TakeNoRoomFromCallersKeys()
    {
        var (repeats, hexadecimal) = (new RepeatedRequests(), new string('a', 64));
        repeats.Keep(hexadecimal, "POST /processes", "a process");

        for (var number = 0; number < 10_000; number++)
        {
            repeats.Keep($"{DataPlaneRoutes.OwnKeyPrefix}{number}", "PATCH /mappings/1", "a mapping");
        }

        Assert.True(repeats.TryFind(hexadecimal, "POST /processes", out _, out _));
        Assert.True(repeats.TryFind($"{DataPlaneRoutes.OwnKeyPrefix}9999", "PATCH /mappings/1", out _, out _));
        Assert.False(repeats.TryFind($"{DataPlaneRoutes.OwnKeyPrefix}0", "PATCH /mappings/1", out _, out _));
    }

    [Fact]
    public async Task IdempotencyKey_OnAnotherProcess_DoesNotGiveTheFirstOnesAnswer()
    {
        var one = await MapAsync();
        var two = (await _worker.Client.PostAsync<ProcessDto>($"processes/{one}/fork")).Value!.Pid;
        var client = new DataPlaneClient(_worker.Url, _worker.Host) { IdempotencyKey = "key-2" };
        var access = new CreateAccessRequest { Mapping = 1 };

        Assert.Equal(200, (await client.PostAsync<AccessDto>($"processes/{one}/accesses", access)).Status);
        Assert.Equal(422, (await client.PostAsync<AccessDto>($"processes/{two}/accesses", access)).Status);
    }

    [Theory]
    [InlineData("")]
    [InlineData("dry-run/")]
    public async Task Write_IfMatch_IsDoneOnTheTagThatReadersAreShownOnly(string prefix)
    {
        var pid = await MapAsync();
        var (process, mapping) = ($"processes/{pid}", $"processes/{pid}/mappings/1");
        var tag = (await _worker.Client.GetAsync<MappingDto>(mapping)).Etag!;
        var holder = new DataPlaneClient(_worker.Url, _worker.Host) { IfMatch = $"\"other\", {tag}" };
        var stale = new DataPlaneClient(_worker.Url, _worker.Host) { IfMatch = "\"other\"" };
        var request = new ProtectMappingRequest { Protection = ["read"] };

        Assert.Equal((412, "ESTALE", "precondition-failed"), (await stale.PatchAsync<MappingDto>(prefix + mapping, request)).Refused);
        Assert.Equal((412, "ESTALE", "precondition-failed"), (await stale.DeleteAsync(prefix + mapping)).Refused);
        Assert.Equal((412, "ESTALE", "precondition-failed"), (await stale.DeleteAsync(prefix + process)).Refused);
        Assert.Equal((404, "ENOENT", "not-found"), (await stale.DeleteAsync($"{prefix}processes/{pid}/mappings/9")).Refused);
        Assert.Equal(tag, (await _worker.Client.GetAsync<MappingDto>(mapping)).Etag);

        var changed = await holder.PatchAsync<MappingDto>(prefix + mapping, request);
        Assert.Equal((200, true), (changed.Status, changed.Etag is { } given && given != tag));
        Assert.Equal(prefix.Length > 0 ? 200 : 412, (await holder.PatchAsync<MappingDto>(prefix + mapping, request)).Status);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("btt")]
    public async Task Data_Written_IsReadBack(string? personality)
    {
        await _worker.RunAsync(TestLayout.Bind(personality == "btt" ? TestLayout.Btt : null));
        var bytes = Enumerable.Range(0, 64 << 10).Select(at => (byte)(at * 13)).ToArray();

        foreach (var other in (string[])["start=512", $"start={TestLayout.Start}&uuid={Guid.NewGuid()}"])
        {
            Assert.Equal((503, "EAGAIN", "host-not-ready"), (await _worker.Client.PutAsync<DataWrittenDto>($"namespaces/namespace0.0/data?offset=8192&{other}", bytes)).Refused);
            Assert.Equal((503, "EAGAIN", "host-not-ready"), (await _worker.Client.GetAsync<Acknowledged>($"namespaces/namespace0.0/data?offset=8192&length=4096&{other}")).Refused);
        }

        Assert.Equal(new byte[4096], await _worker.Client.ReadAsync(8192, 4096));
        var written = await _worker.Client.PutAsync<DataWrittenDto>($"namespaces/namespace0.0/data?offset=8192&start={TestLayout.Start}&uuid={TestLayout.ParentUuid}", bytes);

        Assert.Equal(200, written.Status);
        Assert.Equal(bytes, await _worker.Client.ReadAsync(8192, bytes.Length));
    }

    [Fact]
    public async Task Data_OfANamespaceInAnotherMode_IsAskedForAgainAndUntouched()
    {
        var data = $"namespaces/namespace0.0/data?start={TestLayout.Start}&uuid={TestLayout.ParentUuid}&offset=0";
        await _worker.RunAsync(TestLayout.Bind());
        Assert.Equal(200, (await _worker.Client.PutAsync<DataWrittenDto>($"{data}&form=raw", new byte[4096])).Status);
        var formOf512 = await RebindAsync(TestLayout.Btt with { SectorSize = 512 });
        var bytes = Enumerable.Repeat((byte)7, 4096).ToArray();
        Assert.Equal(200, (await _worker.Client.PutAsync<DataWrittenDto>($"{data}&form={formOf512}", bytes)).Status);

        foreach (var form in (string[])["raw", formOf512.Replace(".512.", ".4096.", StringComparison.Ordinal)])
        {
            Assert.Equal((503, "EAGAIN", "host-not-ready"), (await _worker.Client.PutAsync<DataWrittenDto>($"{data}&form={form}", new byte[4096])).Refused);
            Assert.Equal((503, "EAGAIN", "host-not-ready"), (await _worker.Client.PutAsync<DataWrittenDto>($"dry-run/{data}&form={form}", new byte[4096])).Refused);
            Assert.Equal((503, "EAGAIN", "host-not-ready"), (await _worker.Client.GetAsync<Acknowledged>($"{data}&length=4096&form={form}")).Refused);
        }

        Assert.Equal(bytes, await _worker.Client.ReadAsync(0, 4096));

        // the same uuid once more, for other sectors
        await _worker.RunAsync(new ZeroStep { Start = TestLayout.Start, Length = 8192 });
        var formOf4096 = await RebindAsync(TestLayout.Btt);

        Assert.Equal((503, "EAGAIN", "host-not-ready"), (await _worker.Client.PutAsync<DataWrittenDto>($"{data}&form={formOf512}", bytes)).Refused);
        Assert.Equal(200, (await _worker.Client.PutAsync<DataWrittenDto>($"{data}&form={formOf4096}", bytes)).Status);
        Assert.Equal(200, (await _worker.Client.PutAsync<DataWrittenDto>(data, bytes)).Status);
    }

    [Fact]
    [Trait("Row", "26")]
    [Trait("Row", "41")]
    public async Task Data_LatentPoison_IsAnErrorThatIsKnownThenAndAWriteClears()
    {
        await _worker.RunAsync(TestLayout.Bind());
        await _worker.PoisonAsync(TestLayout.Start + (20 * 512), 256, notify: false);

        var read = await _worker.Client.GetAsync<Acknowledged>($"namespaces/namespace0.0/data?offset={20 * 512}&length=512");
        var written = await _worker.Client.PutAsync<DataWrittenDto>($"namespaces/namespace0.0/data?offset={20 * 512}", Encoding.ASCII.GetBytes(new string('x', 512)));

        Assert.Equal((409, "EIO", "media-error"), read.Refused);
        Assert.Equal(1, read.ObservationCount);
        Assert.Equal((200, 1L), (written.Status, written.Value!.ClearedSectors));
        Assert.Equal((byte)'x', (await _worker.Client.ReadAsync(20 * 512, 512))[0]);
        await Deadlines.UntilAsync(() => _worker.Host.Seen.Values.All(seen => seen.Poison.Count == 0 && seen.BadRanges.Count == 0), "it is clear");
    }

    [Fact]
    public async Task Data_FoundAfterALayoutChange_IsStillTold()
    {
        await _worker.RunAsync(TestLayout.Bind());
        await _worker.PoisonAsync(TestLayout.Start, 256, notify: false);
        var extra = new DimmLayout { DimmId = Guid.CreateVersion7(), Name = "nmem4", Capacity = 1 << 20, ClearErrorUnit = 256 };
        _worker.Api.Change(() => _worker.Host.Replug(_worker.Host.Layout with { Dimms = [.. _worker.Host.Layout.Dimms, extra] }));
        await Deadlines.UntilAsync(() => _worker.Host.Seen.ContainsKey(extra.DimmId), "the new DIMM is seen");

        var read = await _worker.Client.GetAsync<Acknowledged>("namespaces/namespace0.0/data?offset=0&length=512");

        Assert.Equal(1, read.ObservationCount);
    }

    [Theory]
    [InlineData("offset=1&length=512", 422, "EINVAL", "block-misaligned")]
    [InlineData("offset=-512&length=512", 422, "EINVAL", "block-misaligned")]
    [InlineData("offset=0&length=0", 422, "EINVAL", "length-out-of-range")]
    [InlineData("offset=0&length=16777217", 422, "EINVAL", "length-out-of-range")]
    [InlineData("offset=9223372036854775296&length=512", 409, "EIO", "beyond-end")]
    public async Task Data_MalformedRange_IsRefused(string query, int status, string errno, string code)
    {
        await _worker.RunAsync(TestLayout.Bind());

        Assert.Equal((status, errno, code), (await _worker.Client.GetAsync<Acknowledged>($"namespaces/namespace0.0/data?{query}")).Refused);
    }

    [Fact]
    public async Task Data_MoreThanARequestMayWrite_IsRefusedByItsRule()
    {
        await _worker.RunAsync(TestLayout.Bind());

        var refused = await _worker.Client.PutAsync<DataWrittenDto>("namespaces/namespace0.0/data?offset=0", new byte[(16 << 20) + 512]);

        Assert.Equal((422, "EINVAL", "length-out-of-range"), refused.Refused);
    }

    [Fact]
    public async Task InfoBlock_OfADevdaxNamespace_IsWhatIsOnTheMedia()
    {
        await MapAsync();
        using var block = await _worker.Client.RawAsync(HttpMethod.Get, "namespaces/namespace0.0/info-block?offset=4096");
        var bytes = await block.Content.ReadAsByteArrayAsync();

        Assert.Equal(4096, bytes.Length);
        Assert.StartsWith("NVDIMM_DAX_INFO", Encoding.ASCII.GetString(bytes, 0, 16), StringComparison.Ordinal);
        Assert.Equal((422, "EINVAL", "no-block-device"), (await _worker.Client.GetAsync<Acknowledged>("namespaces/namespace0.0/data?offset=0&length=512")).Refused);
    }

    private StepBound? _bound;

    private async Task<int> MapAsync()
    {
        var result = await _worker.RunAsync(TestLayout.Bind(TestLayout.DevDax, "dax"));
        _bound = Assert.IsType<StepBound>(Assert.Single(result.Steps));
        var process = (await _worker.Client.PostAsync<ProcessDto>("processes", new CreateProcessRequest { Comm = "redis" })).Value!;
        var mapped = await _worker.Client.PostAsync<MappingDto>($"processes/{process.Pid}/mappings", new CreateMappingRequest { Device = "dax0.0", Length = new ByteSize(8 << 20) });
        Assert.Equal(1, mapped.Value!.Id);
        return process.Pid;
    }

    private Task<Reply<AccessDto>> AccessAsync(int pid, CreateAccessRequest request) => _worker.Client.PostAsync<AccessDto>($"processes/{pid}/accesses", request);

    /// <summary>Binds the region's namespace anew; what it is bound as, as the Api says it.</summary>
    private async Task<string> RebindAsync(ConfiguredPersonalityDto configured)
    {
        var done = await _worker.RunAsync(new UnbindStep { Namespace = "namespace0.0" }, TestLayout.Bind(configured));
        var bound = Assert.IsType<StepBound>(done.Steps[^1]);
        return NamespaceForm.Of(bound.Kind, bound.Uuid, bound.Size, bound.SectorSize, 0);
    }
}
