using System.Globalization;
using PmemFleet.Contracts.DataPlane;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Sync;
using PmemFleet.Worker.Tests.Media;
using PmemFleet.Worker.Tests.Support;

namespace PmemFleet.Worker.Tests.Faults;

/// <summary>
/// File operations of a real worker's process fail, one after the other. It goes on; and a naive model checks what was acknowledged, while the process lives, and in
/// the next one.
/// </summary>
public sealed class FileFaultTests : IAsyncLifetime, IDisposable
{
    private const int Sector = 4096;

    private readonly MediaFolder _folder = new();
    private readonly FaultyFiles _faults = new();
    private ScriptedFleetApi _api = null!;

    public async Task InitializeAsync() => _api = await ScriptedFleetApi.StartAsync();

    public async Task DisposeAsync() => await _api.DisposeAsync();

    public void Dispose()
    {
        _faults.Dispose();
        _folder.Dispose();
    }

    [CompilerFact]
    public async Task SectorWritesAndErrors_EachFileOperationFailsInTurn_WhatWasAcknowledgedIsThere()
    {
        var host = _api.AddHost(TestLayout.New());
        await using var worker = WorkerProcess.Start(_api, _folder.Path, more: _faults.Environment);
        var model = new SectorModel(new DataPlaneClient(worker.Url, host));
        await _api.Enqueue(host, [TestLayout.Bind(TestLayout.Btt, "btt")]);
        // in the middle of the arena, where no sector of the test is
        var poison = 0L;
        var failed = 0L;
        for (var operation = 0; operation < 48; operation++)
        {
            await model.WriteAsync(operation % SectorModel.Count);
            _faults.Arm(operation % 2 == 0 ? FaultyFiles.NoSpace : FaultyFiles.InputOutput, operation % 24, operation % 24 + (operation % 3));
            for (var write = 0; write < 4; write++)
            {
                await model.WriteAsync((operation + write) % SectorModel.Count);
            }

            var dimm = host.Layout.Dimms[operation % TestLayout.Ways].DimmId;
            poison += 4096;
            var injected = _api.Enqueue(host, [new InjectErrorsStep { Ranges = [new DimmRange(dimm, (TestLayout.DimmBytes / 2) + poison, 256)], Notify = true }]);
            await Task.Delay(30);
            failed += _faults.Failed;
            _faults.Disarm();
            Assert.IsType<StepDone>(Assert.Single((await injected).Steps));
            if (operation % 12 == 11)
            {
                await worker.RestartAsync();
            }

            // a flush that failed ends the epoch; the next one binds again
            await model.CheckAsync(() => _api.Enqueue(host, [TestLayout.Bind(TestLayout.Btt, "btt")]), operation);
        }

        Assert.True(failed > 30, string.Create(CultureInfo.InvariantCulture, $"{failed} operations failed"));
        Assert.Null(host.BrokenVersion);
        await Deadlines.UntilAsync(() => host.Seen.Values.Sum(seen => seen.Poison.Count) == 48, "every error is there once");
    }

    [CompilerFact]
    public async Task Import_EachFileOperationFailsInTurn_IsDoneOnceAndReplacesNothingLater()
    {
        var host = _api.AddHost(TestLayout.New(dimmBytes: 16 << 20));
        await using var worker = WorkerProcess.Start(_api, _folder.Path, more: _faults.Environment);
        await _api.Enqueue(host, []);
        var client = new DataPlaneClient(worker.Url, host);
        var dimm = host.Layout.Dimms[0].DimmId;
        var tried = 0L;
        for (var operation = 0; operation < 28; operation++)
        {
            var (image, fill) = (Guid.CreateVersion7(), (byte)(operation + 1));
            var bytes = new byte[16 << 20];
            bytes.AsSpan(0, Sector).Fill(fill);
            await _api.Enqueue(host, [new InjectErrorsStep { Ranges = [new DimmRange(dimm, 8 << 20, 256)], Notify = true }]);
            Assert.Equal(200, (await client.PutAsync<Acknowledged>($"dimms/{dimm}/images/{image}", bytes)).Status);
            _faults.Arm(operation % 2 == 0 ? FaultyFiles.InputOutput : FaultyFiles.NoSpace, operation / 2, operation / 2);
            var taken = _api.Enqueue(host, [new TakeImageStep { DimmId = dimm, ImageId = image }]);
            await Task.Delay(250);
            tried += _faults.Failed;
            _faults.Disarm();
            Assert.IsType<StepDone>(Assert.Single((await taken).Steps));
            await Deadlines.UntilAsync(() => host.Seen[dimm].Poison.Count == 0, "the errors of the former bytes are gone");

            // what is stored from now on is not replaced by the image, not by the next process either
            await _api.Enqueue(host, [TestLayout.Bind(size: 4 * (16L << 20))]);
            Assert.Equal(Enumerable.Repeat(fill, Sector), await client.ReadAsync(0, Sector));
            byte[] written = [.. Enumerable.Repeat((byte)(fill + 100), Sector)];
            Assert.Equal(200, (await client.PutAsync<DataWrittenDto>("namespaces/namespace0.0/data?offset=0", written)).Status);
            if (operation % 4 == 3)
            {
                await worker.RestartAsync();
                await _api.Enqueue(host, [TestLayout.Bind(size: 4 * (16L << 20))]);
            }

            Assert.Equal(written, await client.ReadAsync(0, Sector));
            await _api.Enqueue(host, [new UnbindStep { Namespace = "namespace0.0" }]);
            Assert.Empty(Directory.EnumerateFiles(_folder.Path, "*.image", SearchOption.AllDirectories));
        }

        Assert.True(tried >= 14, string.Create(CultureInfo.InvariantCulture, $"{tried} operations failed"));
    }

    [CompilerFact]
    public async Task Flush_FailsOnOneHost_TheHostBootsFromTheDiskAndTheOthersGoOn()
    {
        var (host, other) = (_api.AddHost(TestLayout.New()), _api.AddHost(TestLayout.New()));
        await using var worker = WorkerProcess.Start(_api, _folder.Path, more: _faults.Environment);
        await _api.Enqueue(host, [TestLayout.Bind(TestLayout.Btt, "btt")]);
        await _api.Enqueue(other, [TestLayout.Bind()]);
        var (client, second) = (new SectorModel(new DataPlaneClient(worker.Url, host)), new DataPlaneClient(worker.Url, other));
        await client.WriteAsync(3);
        for (var round = 1; round <= 5; round++)
        {
            _faults.Arm(FaultyFiles.InputOutput, 0, 0, FileOperations.Flushes, host.Id.ToString("N"));
            await client.WriteAsync(5);
            Assert.Equal(1, _faults.Failed);
            Assert.Equal(200, (await second.PutAsync<DataWrittenDto>("namespaces/namespace0.0/data?offset=0", [.. Enumerable.Repeat((byte)round, Sector)])).Status);
            _faults.Disarm();

            await Deadlines.UntilAsync(() => host.Epoch == round + 1, "the host begins an epoch");
            await client.CheckAsync(() => _api.Enqueue(host, [TestLayout.Bind(TestLayout.Btt, "btt")]), round);
            await client.WriteAsync(3);
        }

        Assert.Equal(1, other.Epoch);
        Assert.Contains(_api.Reports, report => report.Code == "media-flush-failed" && report.HostId == host.Id && report.WantsBoot);
        Assert.DoesNotContain(_api.Reports, report => report.HostId == other.Id);
        await Deadlines.UntilAsync(() => host.Seen.Values.All(seen => seen.DirtyShutdownCount == 5), "each is an unsafe shutdown");
    }

    /// <summary>What each sector may have: what was acknowledged last, and what was written since without an answer.</summary>
    private sealed class SectorModel(DataPlaneClient client)
    {
        public const int Count = 8;

        private readonly HashSet<byte>[] _may = [.. Enumerable.Range(0, Count).Select(_ => new HashSet<byte> { 0 })];
        private byte _next;

        public async Task WriteAsync(int sector)
        {
            _next = (byte)(_next == 250 ? 1 : _next + 1);
            var reply = await client.PutAsync<DataWrittenDto>($"namespaces/namespace0.0/data?offset={sector * Sector}", [.. Enumerable.Repeat(_next, Sector)]);
            Assert.True(reply.Status is 200 or 409 or 503 or 404, $"{reply.Refused}");
            if (reply.Status == 200)
            {
                _may[sector] = [_next];
            }
            else
            {
                _may[sector].Add(_next);
            }
        }

        public async Task CheckAsync(Func<Task<TaskResult>> bind, int round)
        {
            TaskResult? result = null;
            var start = TimeProvider.System.GetTimestamp();
            while ((result = await bind()).Steps is not [StepBound])
            {
                Assert.True(TimeProvider.System.GetElapsedTime(start) < Deadlines.Long, $"not bound in round {round}: {string.Join(' ', result.Steps)}");
                await Task.Delay(100);
            }

            var bytes = await client.ReadAsync(0, Count * Sector);
            for (var sector = 0; sector < Count; sector++)
            {
                var value = Assert.Single(bytes.AsSpan(sector * Sector, Sector).ToArray().Distinct());
                Assert.True(_may[sector].Contains(value), string.Create(CultureInfo.InvariantCulture, $"sector {sector} has {value} and may have {string.Join(',', _may[sector])} in round {round}"));
            }
        }
    }
}
