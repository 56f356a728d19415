using System.Globalization;
using PmemFleet.Contracts.DataPlane;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Sync;
using PmemFleet.Worker.Tests.Support;

namespace PmemFleet.Worker.Tests.Faults;

/// <summary>The media's file system fills up under load, to the reserve and to its last byte, and has room again: a small tmpfs.</summary>
public sealed class FullDiskTests : IAsyncLifetime
{
    private const int Sector = 4096;

    /// <summary>Places that a load chooses from in one round: more than it can give room to before the disk is full.</summary>
    private const int Slots = 1024;

    private ScriptedFleetApi _api = null!;

    public async Task InitializeAsync() => _api = await ScriptedFleetApi.StartAsync();

    public async Task DisposeAsync() => await _api.DisposeAsync();

    [MountFact]
    public async Task FileSystem_FillsUpUnderLoadAndHasRoomAgain_ReadsGoOnAndNothingAcknowledgedIsLost()
    {
        using var disk = new SmallFileSystem("48m");
        var (sectors, raw) = (_api.AddHost(TestLayout.New()), _api.AddHost(TestLayout.New()));
        await using var worker = WorkerProcess.Start(_api, disk.Path);
        await _api.Enqueue(sectors, [TestLayout.Bind(TestLayout.Btt, "btt")]);
        await _api.Enqueue(raw, [TestLayout.Bind()]);
        Load[] loads = [new(new DataPlaneClient(worker.Url, sectors), 1), new(new DataPlaneClient(worker.Url, raw), 2)];
        foreach (var left in (long[])[3 << 20, 0, 1 << 20, 0])
        {
            foreach (var load in loads)
            {
                load.Round++;
                await load.WriteAsync(40);
            }

            // 3 MiB: the reserve (a twentieth of the file system) is not reached by the filler, but by the load; 0: not a byte is left for anyone
            using var stop = new CancellationTokenSource();
            var running = loads.Select(load => load.RunAsync(stop.Token)).ToArray();
            await Task.Delay(200);
            disk.FillUpTo(left);
            await Deadlines.UntilAsync(() => loads.All(load => load.Full > 0), "writes are refused");
            await Deadlines.UntilAsync(() => _api.Conditions.Values.Any(conditions => conditions.MediaFull), "the worker reports it");
            await stop.CancelAsync();
            await Task.WhenAll(running);
            foreach (var load in loads)
            {
                await load.CheckAsync("while full");
            }

            disk.Empty();
            await Deadlines.UntilAsync(() => _api.Conditions.Values.All(conditions => !conditions.MediaFull), "the worker reports that there is room");
            foreach (var load in loads)
            {
                load.Full = 0;
                await load.WriteAsync(200);
                Assert.Equal(0, load.Full);
                await load.CheckAsync("with room");
            }

            await worker.RestartAsync();
            await _api.Enqueue(sectors, [TestLayout.Bind(TestLayout.Btt, "btt")]);
            await _api.Enqueue(raw, [TestLayout.Bind()]);
            foreach (var load in loads)
            {
                await load.CheckAsync("in the next process");
            }
        }

        Assert.Null(sectors.BrokenVersion);
        Assert.IsType<StepChecked>(Assert.Single((await _api.Enqueue(sectors, [new UnbindStep { Namespace = "namespace0.0" }, new CheckBttStep
        {
            Namespace = "namespace0.0", Start = TestLayout.Start, Size = TestLayout.RegionBytes, ParentUuid = TestLayout.ParentUuid,
        }])).Steps.OfType<StepChecked>()));
    }

    [MountFact]
    public async Task Upload_OfAnImageThatDoesNotFit_IsRefusedAndLeavesTheRoom()
    {
        using var disk = new SmallFileSystem("32m");
        var host = _api.AddHost(TestLayout.New());
        await using var worker = WorkerProcess.Start(_api, disk.Path);
        await _api.Enqueue(host, [TestLayout.Bind()]);
        var client = new DataPlaneClient(worker.Url, host);
        disk.FillUpTo(12 << 20);
        var image = Enumerable.Repeat((byte)1, (int)TestLayout.DimmBytes).ToArray();

        var refused = await client.PutAsync<Acknowledged>($"dimms/{host.Layout.Dimms[0].DimmId}/images/{Guid.CreateVersion7()}", image);

        Assert.Equal((409, "ENOSPC", "media-full"), refused.Refused);
        Assert.True(new DriveInfo(disk.Path).AvailableFreeSpace > 11 << 20);
        Assert.Equal(200, (await client.PutAsync<DataWrittenDto>("namespaces/namespace0.0/data?offset=0", new byte[Sector])).Status);
    }

    /// <summary>Writes whole sectors at places of its own, and what each may have.</summary>
    private sealed class Load(DataPlaneClient client, int seed)
    {
        private readonly Dictionary<int, HashSet<byte>> _may = [];
        private readonly Random _random = new(seed);
        private byte _next;

        /// <summary>Each round writes where nothing was written before, so that a full disk has to refuse some of it.</summary>
        public int Round { get; set; } = -1;

        /// <summary>Writes that were refused for want of room.</summary>
        public int Full { get; set; }

        public async Task RunAsync(CancellationToken stop)
        {
            while (!stop.IsCancellationRequested)
            {
                await WriteAsync(1);
            }
        }

        public async Task WriteAsync(int count)
        {
            for (; count > 0; count--)
            {
                var slot = (Round * Slots) + _random.Next(Slots);
                _next = (byte)(_next == 250 ? 1 : _next + 1);
                var reply = await client.PutAsync<DataWrittenDto>($"namespaces/namespace0.0/data?offset={Place(slot)}", [.. Enumerable.Repeat(_next, Sector)]);
                if (reply.Status == 200)
                {
                    _may[slot] = [_next];
                    continue;
                }

                Assert.Equal((409, "ENOSPC", "media-full"), reply.Refused);
                if (!_may.TryAdd(slot, [0, _next]))
                {
                    _may[slot].Add(_next);
                }

                Full++;
            }
        }

        public async Task CheckAsync(string when)
        {
            foreach (var (slot, may) in _may)
            {
                var value = Assert.Single((await client.ReadAsync(Place(slot), Sector)).Distinct());
                Assert.True(may.Contains(value), string.Create(CultureInfo.InvariantCulture, $"slot {slot} has {value} and may have {string.Join(',', may)} {when}"));
            }
        }

        private static long Place(int slot) => slot * 4L * Sector;
    }
}
