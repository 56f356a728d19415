using System.Net;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Sync;
using PmemFleet.Worker.Tests.Media;
using PmemFleet.Worker.Tests.Support;

namespace PmemFleet.Worker.Tests.Crash;

/// <summary>Real worker processes, killed with kill -9 in the middle of their work.</summary>
public sealed class KillTests : IAsyncLifetime, IDisposable
{
    private readonly MediaFolder _folder = new();
    private ScriptedFleetApi _api = null!;

    public async Task InitializeAsync() => _api = await ScriptedFleetApi.StartAsync();

    public async Task DisposeAsync() => await _api.DisposeAsync();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Result_NeverHeard_SurvivesTheProcessAndIsNotMadeAgain()
    {
        var host = _api.AddHost(TestLayout.New());
        await using var worker = WorkerProcess.Start(_api, _folder.Path);
        await _api.Enqueue(host, []);
        var result = _api.Enqueue(host, [new ScrubStep()]);

        // the task goes down, and nothing the worker says from then on is heard
        await Deadlines.UntilAsync(() => Directory.EnumerateFiles(Path.Combine(_folder.Path, "hosts", host.Id.ToString("N"), "results"), "*.result").Any() || result.IsCompleted, "the result is on the disk");
        _api.SyncStatus = HttpStatusCode.ServiceUnavailable;
        await worker.RestartAsync();
        _api.SyncStatus = null;
        await result;
        await _api.Enqueue(host, []);

        await Deadlines.UntilAsync(() => host.Seen.Count == TestLayout.Ways && host.Seen.Values.All(seen => seen.DirtyShutdownCount == 1), "the boot is seen");
        Assert.All(host.Seen.Values, seen => Assert.Equal(1, seen.ScrubCount));
    }

    [Fact]
    public async Task Bind_DoneButNeverHeard_IsBoundForTheNextProcessToo()
    {
        var host = _api.AddHost(TestLayout.New());
        await using var worker = WorkerProcess.Start(_api, _folder.Path);
        var made = await _api.Enqueue(host, [TestLayout.Bind(TestLayout.Btt, "btt")]);
        await worker.RestartAsync();
        await _api.Enqueue(host, []);
        await Deadlines.UntilAsync(
            () =>
            {
                // the answer that carries it may be the one that the dead process still waited for
                _api.Redeliver(host, made.TaskId);
                return _api.Reported.Any(result => result.TaskId == made.TaskId && result.Epoch == host.Epoch);
            },
            "the result is there under the new epoch");

        var again = _api.Reported.Last(result => result.TaskId == made.TaskId);
        Assert.Equal(Assert.IsType<StepBound>(Assert.Single(made.Steps)).Uuid, Assert.IsType<StepBound>(Assert.Single(again.Steps)).Uuid);
        var written = await new DataPlaneClient(worker.Url, host).PutAsync<DataWrittenDto>("namespaces/namespace0.0/data?offset=0", new byte[4096]);
        Assert.Equal(200, written.Status);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("btt")]
    public async Task Writes_WorkerKilledAgainAndAgain_AcknowledgedOnesAreThere(string? personality)
    {
        const int Slots = 64;
        const int SlotBytes = 8192;
        var host = _api.AddHost(TestLayout.New());
        await using var worker = WorkerProcess.Start(_api, _folder.Path);
        var client = new DataPlaneClient(worker.Url, host);
        var bind = TestLayout.Bind(personality == "btt" ? TestLayout.Btt : null, personality ?? "none");
        await _api.Enqueue(host, [bind]);
        var random = new Random(20261123);
        var acknowledged = new byte[Slots];
        var begun = new byte[Slots];
        for (var round = 1; round <= 5; round++)
        {
            var killed = KillLaterAsync(worker, random.Next(20, 250));
            for (var stop = false; !stop;)
            {
                var (slot, value) = (random.Next(Slots), (byte)((round * 40) + random.Next(1, 40)));
                begun[slot] = value;
                stop = !await TryWriteAsync(client, slot * SlotBytes, [.. Enumerable.Repeat(value, SlotBytes)]);
                if (!stop)
                {
                    acknowledged[slot] = value;
                }
            }

            await killed;
            await _api.Enqueue(host, [bind]);
            var media = await client.ReadAsync(0, Slots * SlotBytes);
            for (var slot = 0; slot < Slots; slot++)
            {
                AssertSlot(media.AsSpan(slot * SlotBytes, SlotBytes), acknowledged[slot], begun[slot], personality == "btt" ? 4096 : 512, slot);

                // what a cut write left is what is there now
                (acknowledged[slot], begun[slot]) = (begun[slot], begun[slot]);
                Assert.True(await TryWriteAsync(client, slot * SlotBytes, [.. Enumerable.Repeat(acknowledged[slot], SlotBytes)]));
            }
        }

        Assert.Null(host.BrokenVersion);
        await Deadlines.UntilAsync(() => host.Seen.Values.All(seen => seen.DirtyShutdownCount == 5), "each kill is one unsafe shutdown");
    }

    [Fact]
    public async Task Tasks_WorkerKilledAgainAndAgain_EndInOrderAndOnceEach()
    {
        var host = _api.AddHost(TestLayout.New());
        await using var worker = WorkerProcess.Start(_api, _folder.Path);
        await _api.Enqueue(host, []);
        var random = new Random(7);
        var results = new List<Task<TaskResult>>();
        for (var round = 0; round < 5; round++)
        {
            for (var number = 0; number < 20; number++)
            {
                // each of them poisons what the one before it cleared: in another order, or done again, more or less is left
                var range = TestLayout.Place(host.Layout, TestLayout.Start + (number * 4096), 256);
                results.Add(_api.Enqueue(host, [new InjectErrorsStep { Ranges = [range], Notify = true }]));
                results.Add(_api.Enqueue(host, [new ClearErrorsStep { Start = TestLayout.Start, Length = (number + 1) * 4096L }]));
            }

            await Task.Delay(random.Next(1, 120));
            await worker.RestartAsync();
        }

        Assert.All(await Task.WhenAll(results), result => Assert.IsType<StepDone>(Assert.Single(result.Steps)));
        await Deadlines.UntilAsync(() => host.Seen.Values.All(seen => seen is { Poison.Count: 0, BadRanges.Count: 0 }), "nothing is poisoned in the end");
        Assert.Null(host.BrokenVersion);
    }

    [Fact]
    public async Task Poison_WorkerKilledWhileItChanges_IsOneOfTheStatesThatWere()
    {
        var host = _api.AddHost(TestLayout.New());
        await using var worker = WorkerProcess.Start(_api, _folder.Path);
        await _api.Enqueue(host, []);
        var dimm = host.Layout.Dimms[0].DimmId;
        var random = new Random(11);
        var poisoned = 0;
        for (var round = 0; round < 4; round++)
        {
            var killed = KillLaterAsync(worker, random.Next(10, 150));
            List<Task<TaskResult>> results = [.. Enumerable.Range(poisoned, 30).Select(number => _api.Enqueue(host, [new InjectErrorsStep { Ranges = [new DimmRange(dimm, number * 1024L, 256)], Notify = true }]))];
            poisoned += 30;
            await Task.WhenAll(results);
            await killed;
        }

        await _api.Enqueue(host, []);
        await Deadlines.UntilAsync(() => host.Seen[dimm].Poison.Count == poisoned, "every acknowledged error is there");
        Assert.Equal(host.Seen[dimm].Poison, host.Seen[dimm].BadRanges);
        Assert.Null(host.BrokenVersion);
    }

    [Fact]
    public async Task ManyErrors_WorkerKilledWhileTheyAreInjectedAndCleared_NoneIsLostAndNoneIsNew()
    {
        const int Each = 20_000;
        var host = _api.AddHost(TestLayout.New());
        await using var worker = WorkerProcess.Start(_api, _folder.Path);
        await _api.Enqueue(host, []);
        var dimm = host.Layout.Dimms[1].DimmId;
        var random = new Random(31);
        for (var round = 0; round < 4; round++)
        {
            // all of them on, every second one off, the rest announced: each step is one record, and the kill comes anywhere
            var killed = KillLaterAsync(worker, random.Next(5, 120));
            Task<TaskResult>[] results =
            [
                _api.Enqueue(host, [new InjectErrorsStep { Ranges = [new DimmRange(dimm, 0, 64) { Count = Each, Stride = 1024 }], Notify = false }]),
                _api.Enqueue(host, [new InjectErrorsStep { Ranges = [new DimmRange(dimm, 1024, 64) { Count = Each / 2, Stride = 2048 }], Uninject = true, Notify = false }]),
                _api.Enqueue(host, [new InjectErrorsStep { Ranges = [new DimmRange(dimm, 0, 64) { Count = Each / 2, Stride = 2048 }], Notify = true }]),
            ];
            await Task.WhenAll(results);
            await killed;
            await _api.Enqueue(host, []);
            await Deadlines.UntilAsync(
                () => host.Seen[dimm] is { PoisonRanges: Each / 2, PoisonBytes: Each / 2 * 64, KnownRanges: Each / 2, KnownBytes: Each / 2 * 64 }, "exactly those errors are there");
            Assert.All(host.Seen.Values.Where(seen => seen.DimmId != dimm), seen => Assert.Equal(0, seen.PoisonRanges + seen.KnownRanges));
            await _api.Enqueue(host, [new ClearErrorsStep { Start = TestLayout.Start, Length = TestLayout.RegionBytes }]);
            await Deadlines.UntilAsync(() => host.Seen[dimm] is { PoisonRanges: 0, KnownRanges: 0 }, "all are cleared");
        }

        Assert.Null(host.BrokenVersion);
    }

    [Fact]
    public async Task Worker_Terminated_ExitsWithZeroAndComesBackWithItsMedia()
    {
        var host = _api.AddHost(TestLayout.New());
        await using (var worker = WorkerProcess.Start(_api, _folder.Path))
        {
            await _api.Enqueue(host, [TestLayout.Bind()]);
            await TryWriteAsync(new DataPlaneClient(worker.Url, host), 0, [.. Enumerable.Repeat((byte)9, 4096)]);

            Assert.Equal(0, await worker.TerminateAsync());
        }

        await using var next = WorkerProcess.Start(_api, _folder.Path);
        await _api.Enqueue(host, [TestLayout.Bind()]);
        Assert.Equal(9, (await new DataPlaneClient(next.Url, host).ReadAsync(0, 512))[0]);
    }

    private static void AssertSlot(ReadOnlySpan<byte> media, byte acknowledged, byte begun, int atom, int slot)
    {
        for (var at = 0; at < media.Length; at += atom)
        {
            var sector = media.Slice(at, atom);
            Assert.True(sector.IndexOfAnyExcept(sector[0]) < 0, $"a sector of slot {slot} is torn");
            Assert.True(sector[0] == acknowledged || sector[0] == begun, $"slot {slot} has {sector[0]}, acknowledged was {acknowledged}, begun {begun}");
        }
    }

    private static async Task KillLaterAsync(WorkerProcess worker, int milliseconds)
    {
        await Task.Delay(milliseconds);
        await worker.RestartAsync();
    }

    private static async Task<bool> TryWriteAsync(DataPlaneClient client, long offset, byte[] bytes)
    {
        try
        {
            return (await client.PutAsync<DataWrittenDto>($"namespaces/namespace0.0/data?offset={offset}", bytes)).Status == 200;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
