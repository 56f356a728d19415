using System.Globalization;
using CsCheck;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Btt;
using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Tests.Faults;

/// <summary>
/// A store of the media fails and the device goes on: a sector keeps its acknowledged bytes, one whose write failed has the old or the new ones, and no other
/// sector changes; now, after more writes, and after the device was opened again.
/// </summary>
public sealed class BttFaultTests
{
    private const int Sector = 512;
    private const int Sectors = 12;

    [Theory]
    [InlineData(FaultKind.NoSpace)]
    [InlineData(FaultKind.IoAfterAPart)]
    [InlineData(FaultKind.IoAfterAll)]
    public void Write_EachOperationFailsInTurn_NoSectorLosesWhatWasAcknowledged(FaultKind kind)
    {
        var before = Fresh();
        var tried = 0;
        for (var failing = 0; failing < 64; failing++)
        {
            for (var run = 1; run <= 3; run++)
            {
                var copy = before.Copy();
                var media = new FailingMedia(copy);
                var model = new SectorModel(Open(media));
                for (var sector = 0; sector < Sectors; sector++)
                {
                    model.Write(sector, cpu: 0);
                    model.Write(sector, cpu: 1);
                }

                media.Arm(kind, failing, failing + run - 1);
                for (var sector = 0; sector < Sectors; sector++)
                {
                    model.Write(sector % 4, cpu: sector % 2);
                }

                media.Disarm();
                tried += media.Failures;
                model.Check(string.Create(CultureInfo.InvariantCulture, $"operation {failing}, {run} times, at once"));
                for (var sector = 0; sector < 2 * Sectors; sector++)
                {
                    model.Write(sector % Sectors, cpu: sector % 3);
                }

                model.Check(string.Create(CultureInfo.InvariantCulture, $"operation {failing}, {run} times, later"));
                model.Reopen(Open(copy));
                model.Check(string.Create(CultureInfo.InvariantCulture, $"operation {failing}, {run} times, reopened"));
                Assert.True(BttCheck.Examine(copy, null, new BttCheckOptions()).Consistent);
            }
        }

        Assert.True(tried > 370, string.Create(CultureInfo.InvariantCulture, $"{tried} operations failed"));
    }

    [Theory]
    [InlineData(FaultKind.NoSpace)]
    [InlineData(FaultKind.IoAfterAPart)]
    [InlineData(FaultKind.IoAfterAll)]
    public void Write_FailsAndTheMachineStopsThere_TheNextOpeningFindsAConsistentMap(FaultKind kind)
    {
        var before = Fresh();
        for (var failing = 0; failing < 24; failing++)
        {
            var copy = before.Copy();
            var media = new FailingMedia(copy);
            var model = new SectorModel(Open(media));
            for (var sector = 0; sector < Sectors; sector++)
            {
                model.Write(sector, cpu: 0);
            }

            // the disk stays broken: nothing is stored from here on
            media.Arm(kind, failing, failing);
            model.Write(1, cpu: 0);
            model.Write(2, cpu: 0);
            media.Arm(FaultKind.NoSpace, 0, long.MaxValue);
            model.Write(3, cpu: 0);
            model.Write(1, cpu: 1);
            media.Disarm();

            model.Reopen(Open(copy));
            model.Check(string.Create(CultureInfo.InvariantCulture, $"operation {failing}"));
            Assert.True(BttCheck.Examine(copy, null, new BttCheckOptions()).Consistent);
        }
    }

    [Fact]
    public void AnyWrites_AnyFailures_NoSectorLosesWhatWasAcknowledged() =>
        Gen.Select(
            Gen.Select(Gen.Int[0, Sectors - 1], Gen.Int[0, 3]).List[1, 60],
            Gen.Select(Gen.Int[0, 200], Gen.Int[1, 20], Gen.Int[0, 2]).List[1, 4],
            Gen.Int[0, 60]).Sample(
            (List<(int Sector, int Cpu)> writes, List<(int First, int Run, int Kind)> faults, int reopenAt) =>
            {
                var copy = Fresh();
                var media = new FailingMedia(copy);
                var model = new SectorModel(Open(media));
                var fault = 0;
                for (var number = 0; number < writes.Count; number++)
                {
                    if (number % 15 == 0 && fault < faults.Count)
                    {
                        media.Arm((FaultKind)faults[fault].Kind, faults[fault].First, faults[fault].First + faults[fault].Run - 1, withReads: fault % 2 == 0);
                        fault++;
                    }

                    if (number == reopenAt)
                    {
                        media.Disarm();
                        model.Reopen(Open(media));
                    }

                    model.Write(writes[number].Sector, writes[number].Cpu);
                }

                media.Disarm();
                model.Check("at the end");
                model.Reopen(Open(copy));
                model.Check("reopened");
                Assert.True(BttCheck.Examine(copy, null, new BttCheckOptions()).Consistent);
            },
            iter: 300);

    [Theory]
    [InlineData(FaultKind.NoSpace)]
    [InlineData(FaultKind.IoAfterAPart)]
    [InlineData(FaultKind.IoAfterAll)]
    public void Open_EachStoreOfTheRecoveryFails_TheNextOpeningCompletesIt(FaultKind kind)
    {
        var before = Fresh();
        var device = Open(before);
        device.Write(5 * Sector, Filled(1));
        var media = before.Copy();
        var record = media.Recording = new StoreRecord();
        Open(media).Write(5 * Sector, Filled(2));

        // the power went between the log and the map
        var left = before.Copy();
        record.Replay(left, 0, record.Count - 1);
        for (var failing = 0; failing < 2; failing++)
        {
            var copy = left.Copy();
            var broken = new FailingMedia(copy);
            broken.Arm(kind, failing, failing);
            Assert.Throws<IOException>(() => Open(broken));
            var model = new SectorModel(Open(copy));
            Assert.Equal(2, model.Read(5));
        }
    }

    private static MemoryMedia Fresh()
    {
        var media = new MemoryMedia((16 * Bytes.MiB) + 4096);
        var plan = new BindPlan
        {
            Namespace = "namespace0.0",
            Start = new Spa(0),
            Size = new Bytes(media.Length),
            ClaimClass = ClaimClass.None,
            Configured = new ConfiguredPersonality { Kind = PersonalityKind.Btt, Uuid = Guid.AllBitsSet, SectorSize = new Bytes(Sector) },
        };
        Assert.IsType<BindOutcome.Btt>(NamespaceBinder.Bind(plan, media));
        return media;
    }

    private static BttDevice Open(IMedia media) => BttDevice.Open(media, 4096, Guid.Empty, readOnly: false).Value;

    private static byte[] Filled(byte fill) => [.. Enumerable.Repeat(fill, Sector)];

    /// <summary>What each sector may have: one value after an acknowledged write, and the new one beside it after a write that failed.</summary>
    private sealed class SectorModel(BttDevice first)
    {
        private readonly HashSet<byte>[] _may = [.. Enumerable.Range(0, Sectors).Select(_ => new HashSet<byte> { 0 })];
        private BttDevice _device = first;
        private byte _next;

        public void Reopen(BttDevice device) => _device = device;

        public void Write(int sector, int cpu)
        {
            _next = (byte)(_next == 250 ? 1 : _next + 1);
            try
            {
                Assert.Null(_device.Write(sector * Sector, Filled(_next), cpu));
                _may[sector] = [_next];
            }
            catch (IOException)
            {
                _may[sector].Add(_next);
            }
        }

        public byte Read(int sector)
        {
            var data = new byte[Sector];
            Assert.Null(_device.Read(sector * Sector, data));
            return Assert.Single(data.Distinct());
        }

        public void Check(string when)
        {
            for (var sector = 0; sector < Sectors; sector++)
            {
                var value = Read(sector);
                Assert.True(_may[sector].Contains(value), string.Create(CultureInfo.InvariantCulture, $"sector {sector} has {value} and may have {string.Join(',', _may[sector])}: {when}"));
            }
        }
    }
}
