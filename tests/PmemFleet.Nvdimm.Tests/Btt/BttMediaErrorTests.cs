using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Btt;
using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Tests.Btt;

/// <summary>Poison under a BTT's data, map, log and info block (spec 30 section 11).</summary>
public sealed class BttMediaErrorTests
{
    private const long DataOfBlock = GoldenArena.Base + 4096;
    private const long Map = 33501184;
    private const long Log = 33533952;

    [Fact]
    [Trait("Row", "24")]
    public void Read_PoisonedDataBlock_MarksTheSectorUntilItIsWritten()
    {
        var media = GoldenArena.Undamaged();
        var device = Open(media);
        var block = BlockOf(media, sector: 5);
        media.Inject(DataOfBlock + (block * 4096L) + 1024, 64, notify: false);

        Assert.Equal(Errno.EIO, device.Read(5 * 4096L, new byte[4096]));
        Assert.Equal(0x40000000u | block, RawMap(media, 5));

        // the poison goes, the mark stays
        media.ClearPoison(DataOfBlock + (block * 4096L), 4096);
        Assert.Equal(Errno.EIO, device.Read(5 * 4096L, new byte[4096]));

        Assert.Null(device.Write(5 * 4096L, Sector('Q')));
        Assert.Equal(Sector('Q'), Read(device, 5));
    }

    [Fact]
    public void Write_OverAnErrorSector_ClearsTheBlockItGivesUp()
    {
        var media = GoldenArena.Undamaged();
        var device = Open(media);
        var block = BlockOf(media, sector: 5);
        media.Inject(DataOfBlock + (block * 4096L), 4096, notify: true);
        Assert.Equal(Errno.EIO, device.Read(5 * 4096L, new byte[4096]));

        Assert.Null(device.Write(5 * 4096L, Sector('Q')));

        Assert.Equal(0, media.Poison.Count);
        Assert.Equal(0, media.Known.Count);
    }

    [Fact]
    public void Write_FreeBlockKnownBad_ClearsItFirst()
    {
        var media = GoldenArena.Undamaged();
        var free = BitConverter.ToUInt32(GoldenArena.Read(media, Log + 16 + 4, 4));
        media.Inject(DataOfBlock + (free * 4096L) + 512, 256, notify: true);

        Assert.Null(Open(media).Write(0, Sector('Q'), cpu: 0));

        Assert.Equal(Sector('Q'), Read(Open(media), 0));
        Assert.Equal(0, media.Known.Count);
    }

    [Fact]
    [Trait("Row", "31")]
    public void Write_FreeBlockThatDoesNotClear_IsAnErrorAndChangesNothing()
    {
        var media = GoldenArena.Undamaged();
        var free = BitConverter.ToUInt32(GoldenArena.Read(media, Log + 16 + 4, 4));
        media.Inject(DataOfBlock + (free * 4096L), 4096, notify: true);
        media.ClearLimit = -(long)Errno.ENXIO;

        Assert.Equal(Errno.EIO, Open(media).Write(0, Sector('Q'), cpu: 0));

        Assert.Equal(1, media.Known.Count);
        Assert.Equal(Sector('D'), Read(Open(media), 0));
    }

    [Fact]
    public void Access_PoisonedMapSector_IsAnError()
    {
        var media = GoldenArena.Undamaged();
        var device = Open(media);
        media.Inject(Map, 64, notify: true);

        Assert.Equal(Errno.EIO, device.Read(0, new byte[4096]));
        Assert.Equal(Errno.EIO, device.Write(0, Sector('Q')));
        Assert.Equal(1, media.Known.Count);
        Assert.All(Read(device, 200), b => Assert.Equal(0, b));
    }

    [Theory]
    [InlineData(Log, true)]
    [InlineData(Log, false)]
    public void Bind_PoisonedLog_StaysDisabled(long at, bool known)
    {
        var media = GoldenArena.Undamaged();
        media.Inject(at, 64, known);

        var failed = Assert.IsType<BindOutcome.Failed>(NamespaceBinder.Bind(GoldenArena.Plan(), media));

        Assert.Equal((Errno.ENOMEM, "log-unreadable"), (failed.Refusal.Errno, failed.Refusal.Rule));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Bind_PoisonedInfoBlock_ComesUpRawAndLearnsTheError(bool known)
    {
        var media = GoldenArena.Undamaged();
        media.Inject(4096 + 100, 8, known);

        Assert.IsType<BindOutcome.Raw>(NamespaceBinder.Bind(GoldenArena.Plan(), media));

        Assert.Equal(1, media.Known.Count);
    }

    [Fact]
    public void Check_PoisonedMap_CannotBeRecovered()
    {
        var media = GoldenArena.Undamaged();
        media.Inject(Map + 20000, 64, notify: false);

        var result = BttCheck.Examine(media, GoldenArena.Parent, new BttCheckOptions { Repair = true });

        Assert.Equal(Errno.EFAULT, result.Failure);
        Assert.Equal(["Received a SIGBUS", "Metadata corruption found, recovery is not possible"], result.Messages);
    }

    [Fact]
    public void Check_RewriteLogWithoutRepair_IsInvalid() =>
        Assert.Equal(Errno.EINVAL, BttCheck.Examine(GoldenArena.Undamaged(), GoldenArena.Parent, new BttCheckOptions { RewriteLog = true }).Failure);

    [Fact]
    public void Check_RewriteLog_LeavesOneEntryALaneInTheNewScheme()
    {
        var media = GoldenArena.Undamaged();
        GoldenArena.Put(media, "f_btt_log_padding_02", "a_after_boot");

        Assert.Null(BttCheck.Examine(media, GoldenArena.Parent, new BttCheckOptions { Repair = true, RewriteLog = true }).Failure);

        var log = GoldenArena.Read(media, "flog");
        Assert.Equal(1u, BitConverter.ToUInt32(log, 12));
        Assert.All(log[16..64], b => Assert.Equal(0, b));
        Assert.True(BttCheck.Examine(media, GoldenArena.Parent, new BttCheckOptions()).Consistent);
        var device = Open(media);
        Assert.Equal(Sector('D'), Read(device, 0));
        Assert.Null(device.Write(0, Sector('Q')));
        Assert.Equal(Sector('Q'), Read(Open(media), 0));
    }

    [Fact]
    public void Check_LogAheadOfMap_IsRepairedAsTheNextEnableWould()
    {
        var media = GoldenArena.Undamaged();
        var before = media.Copy();
        var record = media.Recording = new StoreRecord();
        Open(media).Write(0, Sector('Q'));
        record.Replay(before, 0, record.Count - 1);

        var found = BttCheck.Examine(before, GoldenArena.Parent, new BttCheckOptions());
        Assert.Equal((Errno.ENXIO, "arena 0: log does not match map"), (found.Failure, found.Messages.Single()));
        Assert.Null(BttCheck.Examine(before, GoldenArena.Parent, new BttCheckOptions { Repair = true }).Failure);

        Assert.Equal(GoldenArena.Read(media, "map"), GoldenArena.Read(before, "map"));
    }

    [Fact]
    public void Check_FirstArenaOfSeveralDamaged_IsRestoredFromTheLastArenasBackup()
    {
        const long Size = 512 * Bytes.GiB + 4096 + (16 * Bytes.MiB);
        var media = new MemoryMedia(Size);
        var configured = new ConfiguredPersonality { Kind = PersonalityKind.Btt, Uuid = Guid.AllBitsSet, SectorSize = new Bytes(4096) };
        NamespaceBinder.Bind(GoldenArena.Plan(configured) with { Size = new Bytes(Size) }, media);
        var block = GoldenArena.Read(media, 4096, 4096);
        media.Zero(4096, 60);
        media.Zero(512 * Bytes.GiB, 4096);

        // the check itself would read a map of half a gigabyte: restoring the block is what is looked at
        var messages = new List<string>();
        Assert.Equal(4096, new BttInfoRecovery(media, GoldenArena.Parent, repair: true, messages).FindFirst().Value);

        Assert.Equal(block, GoldenArena.Read(media, 4096, 4096));
        Assert.Empty(messages);
    }

    private static BttDevice Open(MemoryMedia media) => BttDevice.Open(media, GoldenArena.Base, GoldenArena.Parent, readOnly: false).Value;

    private static byte[] Sector(char fill) => [.. Enumerable.Repeat((byte)fill, 4096)];

    private static uint RawMap(MemoryMedia media, int sector) => BitConverter.ToUInt32(GoldenArena.Read(media, Map + (sector * 4), 4));

    private static uint BlockOf(MemoryMedia media, int sector) => RawMap(media, sector) & 0x3fffffff;

    private static byte[] Read(BttDevice device, int sector)
    {
        var data = new byte[4096];
        Assert.Null(device.Read(sector * 4096L, data));
        return data;
    }
}
