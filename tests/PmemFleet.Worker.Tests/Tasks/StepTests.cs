using PmemFleet.Contracts.DataPlane;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Processes;
using PmemFleet.Contracts.Sync;
using PmemFleet.Worker.Tests.Support;

namespace PmemFleet.Worker.Tests.Tasks;

/// <summary>Each step on real media: what it does, and that doing it once more changes nothing.</summary>
public sealed class StepTests : IAsyncLifetime
{
    private WorkerFixture _worker = null!;

    private string Folder => Path.Combine(_worker.Data, "hosts", _worker.Host.Id.ToString("N"));

    public async Task InitializeAsync() => _worker = await WorkerFixture.StartAsync();

    public async Task DisposeAsync() => await _worker.DisposeAsync();

    public static TheoryData<string> Personalities => ["btt", "dax", "pfn"];

    [Theory]
    [MemberData(nameof(Personalities))]
    public async Task Bind_SameConfiguredTwiceOverABoot_GivesTheSame(string kind)
    {
        var step = TestLayout.Bind(Of(kind), kind);

        var made = Text(await _worker.RunAsync(step));
        var again = Text(await _worker.RunAsync(step));
        await _worker.RunAsync(new BootStep { UnsafeShutdown = false });
        var afterBoot = Text(await _worker.RunAsync(step));
        await _worker.RunAsync(new BootStep { UnsafeShutdown = false });
        var detected = Text(await _worker.RunAsync(TestLayout.Bind(null, kind)));

        Assert.StartsWith($"{kind} {Of(kind).Uuid}", made, StringComparison.Ordinal);
        Assert.Equal([made, made, made], (string[])[again, afterBoot, detected]);
    }

    [Fact]
    public async Task Bind_AnotherPersonalityOverABoundOne_UnbindsItFirst()
    {
        await _worker.RunAsync(TestLayout.Bind(Of("dax"), "dax"));
        var other = Of("dax") with { Uuid = Guid.NewGuid() };

        var bound = await _worker.RunAsync(new ZeroStep { Start = TestLayout.Start, Length = 8192 }, TestLayout.Bind(other, "dax"));

        Assert.Equal(other.Uuid, Assert.IsType<StepBound>(bound.Steps[^1]).Uuid);
    }

    [Fact]
    public async Task Steps_OneRefused_EndsTheTaskUnlessItMayFail()
    {
        var outside = TestLayout.Bind(size: TestLayout.RegionBytes * 2);

        var ended = await _worker.RunAsync(outside, new ScrubStep());
        var went = await _worker.RunAsync(outside with { ContinueOnFailure = true }, new ScrubStep());

        Assert.IsType<StepRefused>(Assert.Single(ended.Steps));
        Assert.Equal([typeof(StepRefused), typeof(StepScrubbed)], went.Steps.Select(step => step.GetType()));
    }

    /// <summary>A check that fails is followed by the bind; a command that ends with an error ends with its own refusal, and nothing behind it is done.</summary>
    [Fact]
    public async Task Steps_ACheckThatFailsAndARefusal_AreResultsInTheirPlaces()
    {
        var bind = TestLayout.Bind(Of("dax"), "dax");
        await _worker.RunAsync(bind);
        var check = new CheckBttStep { Namespace = bind.Namespace, Start = bind.Start, Size = bind.Size, ParentUuid = bind.ParentUuid, ContinueOnFailure = true };
        var refusal = new Contracts.Problems.RefusalDto { Errno = "EINVAL", Code = "known-before", Message = "It was known before." };

        var went = await _worker.RunAsync(
            new UnbindStep { Namespace = bind.Namespace }, check, TestLayout.Bind(null, "dax"), new RefuseStep { Refusal = refusal }, new ScrubStep());

        Assert.Equal([typeof(StepDone), typeof(StepRefused), typeof(StepBound), typeof(StepRefused)], went.Steps.Select(step => step.GetType()));
        Assert.Equal(("no-btt", "known-before"), (((StepRefused)went.Steps[1]).Refusal.Code, ((StepRefused)went.Steps[3]).Refusal.Code));
    }

    [Fact]
    public async Task Unbind_OfADaxNamespace_RevokesItsMappings()
    {
        await _worker.RunAsync(TestLayout.Bind(Of("dax"), "dax"));
        var pid = (await _worker.Client.PostAsync<ProcessDto>("processes", new CreateProcessRequest())).Value!.Pid;
        await _worker.Client.PostAsync<MappingDto>($"processes/{pid}/mappings", new CreateMappingRequest { Device = "dax0.0", Length = new Contracts.ByteSize(2 << 20) });
        var access = new CreateAccessRequest { Mapping = 1, Kind = "write" };
        Assert.Equal("completed", (await _worker.Client.PostAsync<AccessDto>($"processes/{pid}/accesses", access)).Value!.Outcome);

        await _worker.RunAsync(new UnbindStep { Namespace = "namespace0.0" });
        await _worker.RunAsync(new UnbindStep { Namespace = "namespace0.0" });

        Assert.Equal("SIGBUS", (await _worker.Client.PostAsync<AccessDto>($"processes/{pid}/accesses", access)).Value!.Signal?.Signal);
        Assert.IsType<StepBound>((await _worker.RunAsync(TestLayout.Bind(null, "dax"))).Steps[0]);
    }

    [Fact]
    public async Task Boot_Again_EndsProcessesAndBindings()
    {
        await _worker.RunAsync(TestLayout.Bind());
        await _worker.Client.PostAsync<ProcessDto>("processes", new CreateProcessRequest());

        await _worker.RunAsync(new BootStep { UnsafeShutdown = true });

        Assert.Empty((await _worker.Client.GetAsync<ListPage<ProcessDto>>("processes")).Value!.Items);
        Assert.Equal((422, "ENXIO", "not-bound"), (await _worker.Client.GetAsync<Acknowledged>("namespaces/namespace0.0/data?offset=0&length=512")).Refused);
        await Deadlines.UntilAsync(() => _worker.Host.Seen.Values.All(seen => seen.DirtyShutdownCount == 1), "each DIMM counts one");
    }

    [Fact]
    public async Task Zero_OverPoison_ClearsItAndTheBytes()
    {
        await _worker.RunAsync(TestLayout.Bind());
        await _worker.Client.PutAsync<DataWrittenDto>("namespaces/namespace0.0/data?offset=0", [.. Enumerable.Repeat((byte)7, 65536)]);
        await _worker.PoisonAsync(TestLayout.Start + 4096, 512, notify: true);

        // what is wiped is unbound: the Api wipes only what it knows to be unbound
        await _worker.RunAsync(new ZeroStep { Start = TestLayout.Start, Length = 32768 }, TestLayout.Bind());

        Assert.Equal(new byte[32768], await _worker.Client.ReadAsync(0, 32768));
        Assert.Equal(7, (await _worker.Client.ReadAsync(32768, 512))[0]);
    }

    [Fact]
    public async Task Wipe_ThenRemove_TakesTheMediaAndItsErrorsAway()
    {
        var dimm = _worker.Host.Layout.Dimms[0].DimmId;
        await _worker.RunAsync(new InjectErrorsStep { Ranges = [new DimmRange(dimm, 0, 256)], Notify = true });

        await _worker.RunAsync(new WipeDimmStep { DimmId = dimm });
        await Deadlines.UntilAsync(() => _worker.Host.Seen[dimm] is { Poison.Count: 0, BadRanges.Count: 0 }, "its errors are forgotten");
        await _worker.RunAsync(new WipeDimmStep { DimmId = dimm, Remove = true });

        Assert.Empty(Directory.EnumerateFiles(Folder, $"{dimm:N}*"));
    }

    [Fact]
    public async Task Remove_AfterTheLayoutWithoutTheDimm_StillRemovesItsFiles()
    {
        var extra = new DimmLayout { DimmId = Guid.CreateVersion7(), Name = "nmem4", Capacity = 1 << 20, ClearErrorUnit = 256 };
        var layout = _worker.Host.Layout;
        _worker.Api.Change(() => _worker.Host.Replug(layout with { Dimms = [.. layout.Dimms, extra] }));
        await Deadlines.UntilAsync(() => File.Exists(Path.Combine(Folder, $"{extra.DimmId:N}.dimm")), "it is plugged");
        await _worker.RunAsync(new InjectErrorsStep { Ranges = [new DimmRange(extra.DimmId, 0, 256)], Notify = true });

        _worker.Api.Change(() => _worker.Host.Replug(layout));
        await _worker.RunAsync(new WipeDimmStep { DimmId = extra.DimmId, Remove = true });

        Assert.Empty(Directory.EnumerateFiles(Folder, $"{extra.DimmId:N}*"));
    }

    [Fact]
    public async Task Clear_EntriesInsideAndAcrossTheEdge_OnlyThoseInsideGo()
    {
        await _worker.RunAsync(new InjectErrorsStep
        {
            Ranges =
            [
                // straddles the start: sectors 7 and 8 of the region, which lie on two DIMMs
                TestLayout.Place(_worker.Host.Layout, TestLayout.Start + (7 * 512), 512),
                TestLayout.Place(_worker.Host.Layout, TestLayout.Start + (8 * 512), 512),
                TestLayout.Place(_worker.Host.Layout, TestLayout.Start + (20 * 512), 256),
            ],
            Notify = true,
        });

        await _worker.RunAsync(new ClearErrorsStep { Start = TestLayout.Start + 4096, Length = 1 << 20 });

        await Deadlines.UntilAsync(() => _worker.Host.Seen.Values.Sum(seen => seen.Poison.Sum(range => range.Length)) == 1024, "what lies inside is cleared");
        Assert.Equal(1024, _worker.Host.Seen.Values.Sum(seen => seen.BadRanges.Sum(range => range.Length)));
    }

    [Fact]
    public async Task Clear_MoreEntriesThanATableHolds_ClearsAll()
    {
        await _worker.RunAsync(new InjectErrorsStep
        {
            Ranges = [.. Enumerable.Range(0, 700).Select(entry => TestLayout.Place(_worker.Host.Layout, TestLayout.Start + (entry * 1024L), 256))],
            Notify = true,
        });

        Assert.IsType<StepDone>((await _worker.RunAsync(new ClearErrorsStep { Start = TestLayout.Start, Length = TestLayout.RegionBytes })).Steps[0]);

        await Deadlines.UntilAsync(() => _worker.Host.Seen.Values.All(seen => seen is { Poison.Count: 0, BadRanges.Count: 0 }), "all are cleared");
    }

    [Fact]
    public async Task Clear_OfALatentError_LeavesIt()
    {
        await _worker.PoisonAsync(TestLayout.Start, 256, notify: false);

        await _worker.RunAsync(new ClearErrorsStep { Start = TestLayout.Start, Length = 1 << 20 });

        await Deadlines.UntilAsync(() => _worker.Host.Seen.Values.Sum(seen => seen.Poison.Count) == 1, "it is still there");
    }

    [Fact]
    public async Task Uninject_OfAKnownError_TakesThePoisonButTheBusStillListsIt()
    {
        var range = TestLayout.Place(_worker.Host.Layout, TestLayout.Start, 256);
        await _worker.RunAsync(new InjectErrorsStep { Ranges = [range], Notify = true });

        await _worker.RunAsync(new InjectErrorsStep { Ranges = [range], Notify = true, Uninject = true });

        await Deadlines.UntilAsync(() => _worker.Host.Seen[range.DimmId] is { Poison.Count: 0, BadRanges.Count: 1 }, "only the list has it");
    }

    [Fact]
    public async Task Inject_OutsideTheDimm_IsRefusedAndPoisonsNothing()
    {
        var dimm = _worker.Host.Layout.Dimms[0].DimmId;
        foreach (var (dpa, length) in ((long, long)[])[(-1, 2), (TestLayout.DimmBytes, 1), (0, TestLayout.DimmBytes + 1), (0, 0), (long.MaxValue, 1)])
        {
            var result = await _worker.RunAsync(new InjectErrorsStep { Ranges = [new DimmRange(dimm, 0, 256), new DimmRange(dimm, dpa, length)], Notify = true });
            Assert.Equal("range-outside-dimm", Assert.IsType<StepRefused>(result.Steps[0]).Refusal.Code);
        }

        Assert.Empty(_worker.Host.Seen[dimm].Poison);
    }

    [Fact]
    public async Task CheckBtt_OfAHealthyBtt_IsConsistent()
    {
        await _worker.RunAsync(TestLayout.Bind(Of("btt"), "btt"), new UnbindStep { Namespace = "namespace0.0" });

        var result = await _worker.RunAsync(new CheckBttStep { Namespace = "namespace0.0", Start = TestLayout.Start, Size = TestLayout.RegionBytes, ParentUuid = TestLayout.ParentUuid });

        Assert.True(Assert.IsType<StepChecked>(result.Steps[0]).Consistent);
    }

    private static ConfiguredPersonalityDto Of(string kind) => kind switch
    {
        "btt" => TestLayout.Btt,
        "dax" => TestLayout.DevDax,
        _ => TestLayout.DevDax with { Kind = "pfn" },
    };

    private static string Text(TaskResult result)
    {
        var bound = Assert.IsType<StepBound>(Assert.Single(result.Steps));
        return $"{bound.Kind} {bound.Uuid} {bound.Size} {bound.SectorSize} {bound.Version} {bound.Map} {bound.Align} {bound.DataOffset} {bound.StartPad} {bound.EndTrunc} {bound.PageCount}";
    }
}
