using System.Globalization;
using CsCheck;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Btt;
using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Tests.Btt;

/// <summary>The power may go between any two 8-byte stores: a sector is old or new, and nothing else is touched (spec 30 section 10).</summary>
public sealed class BttPowerCutTests
{
    private const int Sector = 512;

    [Fact]
    public void Write_CutAfterEveryStore_LeavesOldOrNewSector()
    {
        var before = Fresh(512);
        var device = Open(before);
        device.Write(5 * Sector, Filled(1), cpu: 0);
        device.Write(5 * Sector, Filled(2), cpu: 1);
        device.Write(6 * Sector, Filled(3), cpu: 0);
        var media = before.Copy();
        var record = media.Recording = new StoreRecord();
        Open(media).Write(5 * Sector, Filled(4), cpu: 0);

        var seen = new HashSet<byte>();
        for (var cut = 0; cut <= record.Count; cut++)
        {
            var left = before.Copy();
            record.Replay(left, 0, cut);
            var found = Open(left);
            seen.Add(Read(found, 5));
            Assert.True(Read(found, 5) is 2 or 4, string.Create(CultureInfo.InvariantCulture, $"cut {cut}"));
            Assert.Equal(3, Read(found, 6));
            Assert.True(BttCheck.Examine(left, null, new BttCheckOptions()).Consistent, string.Create(CultureInfo.InvariantCulture, $"cut {cut} is not consistent after recovery"));

            // the machine that comes up must go on writing without disturbing its neighbour
            found.Write(5 * Sector, Filled(7), cpu: 0);
            found.Write(5 * Sector, Filled(8), cpu: 0);
            Assert.Equal((8, 3), (Read(found, 5), Read(found, 6)));
        }

        Assert.Equal(new byte[] { 2, 4 }, seen.Order());

        // data, then one log entry of two stores, then the map
        Assert.Equal((Sector / 8) + 3, record.Count);
    }

    [Fact]
    public void Write_CutAgainDuringRecovery_IsCompletedByTheNext()
    {
        var before = Fresh(512);
        Open(before).Write(5 * Sector, Filled(1));
        var media = before.Copy();
        var record = media.Recording = new StoreRecord();
        Open(media).Write(5 * Sector, Filled(2));
        var left = before.Copy();
        record.Replay(left, 0, record.Count - 1);

        var recovery = left.Copy();
        var recovered = recovery.Recording = new StoreRecord();
        Open(recovery);
        Assert.Equal(1, recovered.Count);
        Assert.Equal(2, Read(Open(left), 5));

        var again = recovery.Recording = new StoreRecord();
        Assert.Equal(2, Read(Open(recovery), 5));
        Assert.Equal(0, again.Count);
    }

    [Theory]
    [InlineData(false, ClaimClass.None)]
    [InlineData(true, ClaimClass.None)]
    [InlineData(true, ClaimClass.Btt2)]
    public void Bind_CutAfterEveryStoreOfTheCreation_IsMadeAnewOrIsThere(bool dirty, ClaimClass claim)
    {
        var before = new MemoryMedia(16 * Bytes.MiB + 4096);
        if (dirty)
        {
            // an older BTT's map and log under the new one's
            NamespaceBinder.Bind(Plan(before, 4096, claim) with { ClaimClass = claim }, before);
            Open(before, claim).Write(0, Enumerable.Repeat((byte)9, 40960).ToArray());
            before.Zero(0, 8192);
        }

        var media = before.Copy();
        var record = media.Recording = new StoreRecord();
        NamespaceBinder.Bind(Plan(media, 4096, claim), media);

        for (var cut = record.Count - 1200; cut <= record.Count; cut++)
        {
            var left = before.Copy();
            record.Replay(left, 0, cut);
            Assert.IsType<BindOutcome.Btt>(NamespaceBinder.Bind(Plan(left, 4096, claim), left));
            Assert.True(BttCheck.Examine(left, null, new BttCheckOptions()).Consistent);
        }
    }

    [Fact]
    public void AnyWrites_CutAnywhere_KeepWhatWasAcknowledged() =>
        Gen.Select(Gen.Select(Gen.Int[0, 11], Gen.Int[0, 3], Gen.Byte[1, 250]).List[1, 40], Gen.Double[0, 1], Gen.OneOf(Gen.Const(512), Gen.Const(520), Gen.Const(528)))
            .Sample(
                (List<(int, int, byte)> writes, double at, int sectorSize) =>
                {
                    var before = Fresh(sectorSize);
                    var media = before.Copy();
                    var record = media.Recording = new StoreRecord();
                    var device = Open(media);
                    var acknowledged = new List<int>();
                    foreach (var (sector, cpu, fill) in writes)
                    {
                        device.Write(sector * Sector, Filled(fill), cpu);
                        acknowledged.Add(record.Count);
                    }

                    var cut = (int)(at * record.Count);
                    var left = before.Copy();
                    record.Replay(left, 0, cut);
                    var found = Open(left);
                    var done = acknowledged.Count(end => end <= cut);
                    var model = new byte[12];
                    foreach (var (sector, _, fill) in writes.Take(done))
                    {
                        model[sector] = fill;
                    }

                    for (var sector = 0; sector < model.Length; sector++)
                    {
                        var value = Read(found, sector);
                        var inFlight = done < writes.Count && writes[done].Item1 == sector && value == writes[done].Item3;
                        Assert.True(value == model[sector] || inFlight);
                    }
                },
                iter: 200);

    [Fact]
    public async Task Write_ManyThreads_EverySectorIsSomeWritersWholeAndTheMetadataHolds()
    {
        var media = Fresh(4096);
        var device = Open(media);
        const int Sectors = 16;
        using var stop = new CancellationTokenSource();
        var writers = Enumerable.Range(0, 6).Select(cpu => Task.Run(() =>
        {
            var random = new Random(cpu);
            var data = new byte[4096];
            for (var n = 0; n < 4000; n++)
            {
                data.AsSpan().Fill((byte)random.Next(1, 255));
                Assert.Null(device.Write(random.Next(Sectors) * 4096L, data, cpu % 4));
            }
        }));
        var readers = Enumerable.Range(0, 3).Select(cpu => Task.Run(() =>
        {
            var random = new Random(cpu + 100);
            var data = new byte[4096];
            while (!stop.IsCancellationRequested)
            {
                Assert.Null(device.Read(random.Next(Sectors) * 4096L, data, cpu + 10));
                Assert.False(data.AsSpan().ContainsAnyExcept(data[0]), "a torn sector was read");
            }
        }));

        var reading = readers.ToArray();
        await Task.WhenAll(writers);
        await stop.CancelAsync();
        await Task.WhenAll(reading);

        Assert.True(BttCheck.Examine(media, null, new BttCheckOptions()).Consistent);
        var reopened = Open(media);
        for (var sector = 0; sector < Sectors; sector++)
        {
            var (one, other) = (new byte[4096], new byte[4096]);
            device.Read(sector * 4096L, one);
            reopened.Read(sector * 4096L, other);
            Assert.Equal(one, other);
        }
    }

    private static MemoryMedia Fresh(int sector)
    {
        var media = new MemoryMedia(16 * Bytes.MiB + 4096);
        Assert.IsType<BindOutcome.Btt>(NamespaceBinder.Bind(Plan(media, sector, ClaimClass.None), media));
        return media;
    }

    private static BindPlan Plan(MemoryMedia media, int sector, ClaimClass claim) => new()
    {
        Namespace = "namespace0.0",
        Start = new Spa(0),
        Size = new Bytes(media.Length),
        ClaimClass = claim,
        Configured = new ConfiguredPersonality { Kind = PersonalityKind.Btt, Uuid = Guid.AllBitsSet, SectorSize = new Bytes(sector) },
    };

    private static BttDevice Open(MemoryMedia media, ClaimClass claim = ClaimClass.None) =>
        BttDevice.Open(media, claim == ClaimClass.Btt2 ? 0 : 4096, Guid.Empty, readOnly: false).Value;

    private static byte[] Filled(byte fill) => [.. Enumerable.Repeat(fill, Sector)];

    private static byte Read(BttDevice device, int sector)
    {
        var data = new byte[Sector];
        Assert.Null(device.Read(sector * Sector, data));
        return Assert.Single(data.Distinct());
    }
}
