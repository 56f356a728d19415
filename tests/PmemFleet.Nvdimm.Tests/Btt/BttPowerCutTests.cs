using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Btt;
using PmemFleet.Nvdimm.Primitives;
using PmemFleet.Nvdimm.Tests.Media;

namespace PmemFleet.Nvdimm.Tests.Btt;

/// <summary>After a power cut at any 8-byte store a sector is the old one or the new one, and a finished write is never lost.</summary>
public sealed class BttPowerCutTests
{
    private const int SectorBytes = 512;
    private const long Size = 16 * Bytes.MiB + 4096;

    [Fact]
    public void Write_PowerCutAtEveryStore_LeavesOldOrNew()
    {
        var total = Run(long.MaxValue, out _).Stores;
        var created = Create().Stores;
        for (var cut = created; cut <= total; cut++)
        {
            var media = Run(cut, out var acknowledged);

            media.CutAfter = long.MaxValue;
            var device = Open(media);

            for (var sector = 0; sector < Writes.Length; sector++)
            {
                var found = Read(device, sector);
                var expected = sector < acknowledged ? [Last(sector)] : Candidates(sector, acknowledged);
                Assert.True(expected.Contains(found), $"cut {cut}, sector {sector}: {found}");
            }
        }
    }

    /// <summary>Each sector is written twice in a row; the second time over the first.</summary>
    private static readonly byte[] Writes = [11, 22, 33];

    private static byte Last(int sector) => (byte)(Writes[sector] + 100);

    private static byte[] Candidates(int sector, int acknowledged) => sector == acknowledged ? [0, Writes[sector], Last(sector)] : [0];

    private static MemoryMedia Create()
    {
        var media = new MemoryMedia(Size);
        var plan = new BindPlan
        {
            Namespace = "namespace0.0",
            Start = new Spa(0x100000000),
            Size = new Bytes(Size),
            ClaimClass = ClaimClass.None,
            Configured = new() { Kind = PersonalityKind.Btt, Uuid = new("11111111-2222-3333-4444-555555555555"), SectorSize = new Bytes(SectorBytes) },
        };
        Assert.IsType<BindOutcome.Btt>(NamespaceBinder.Bind(plan, media));
        return media;
    }

    private static MemoryMedia Run(long cut, out int acknowledged)
    {
        var media = Create();
        var device = Open(media);
        media.CutAfter = cut;
        acknowledged = 0;
        foreach (var value in Writes)
        {
            Assert.Null(device.Write(acknowledged * SectorBytes, Filled(value)));
            Assert.Null(device.Write(acknowledged * SectorBytes, Filled(Last(acknowledged))));
            if (media.Stores > cut)
            {
                return media;
            }

            acknowledged++;
        }

        return media;
    }

    private static BttDevice Open(MemoryMedia media)
    {
        Assert.True(BttDevice.Open(media, 4096, Guid.Empty, readOnly: false).TryGet(out var device, out _));
        return device;
    }

    private static byte[] Filled(byte value)
    {
        var bytes = new byte[SectorBytes];
        Array.Fill(bytes, value);
        return bytes;
    }

    /// <summary>The value of a sector, which is the same in each of its bytes: never mixed.</summary>
    private static byte Read(BttDevice device, int sector)
    {
        var bytes = new byte[SectorBytes];
        Assert.Null(device.Read(sector * SectorBytes, bytes));
        Assert.DoesNotContain(bytes, value => value != bytes[0]);
        return bytes[0];
    }
}
