using CsCheck;
using PmemFleet.Contracts.Sync;
using PmemFleet.Nvdimm.Badblocks;
using PmemFleet.Worker.Hosts;
using PmemFleet.Worker.Media;
using PmemFleet.Worker.Media.Errors;

namespace PmemFleet.Worker.Tests.Media;

/// <summary>Interleaved memory over real sparse files, and what poison does to the block path over it.</summary>
public sealed class SystemMemoryTests
{
    private const long Start = 0x100000000;
    private const int Ways = 4;
    private const long DimmBytes = 1 << 20;

    private static readonly Guid Host = Guid.Parse("01a20000-0000-7000-8000-000000000001");

    [Fact]
    public void Write_AcrossLines_LandsWhereTheInterleaveSays()
    {
        using var pool = new Pool();
        var bytes = Enumerable.Range(0, 5 * 4096).Select(at => (byte)((at / 4096) + 1)).ToArray();

        pool.Memory.Write(Start + 4096, bytes);

        // lines 1 to 5 of the region: positions 1, 2, 3, 0, 1
        Assert.Equal([4, 1, 2, 3], Enumerable.Range(0, Ways).Select(position => pool.ByteAt(position, position == 0 ? 4096 : 0)));
        Assert.Equal(5, pool.ByteAt(1, 4096));
    }

    [Fact]
    public void ReadsAndWrites_Any_AgreeWithAFlatArray() =>
        Gen.Select(Gen.Int[0, 60000], Gen.Int[1, 20000], Gen.Byte).Array[1, 12].Sample(
            writes =>
            {
                using var pool = new Pool();
                var flat = new byte[100000];
                foreach (var (offset, length, value) in writes)
                {
                    var bytes = Enumerable.Repeat(value, length).ToArray();
                    pool.Memory.Write(Start + offset, bytes);
                    bytes.CopyTo(flat, offset);
                }

                var read = new byte[flat.Length];
                pool.Memory.Read(Start, read);
                Assert.Equal(flat, read);
            },
            iter: 50);

    [Fact]
    [Trait("Row", "26")]
    public void BlockRead_LatentPoison_IsAnIoErrorAndMakesItKnown()
    {
        using var pool = new Pool();
        var disk = pool.Disk();
        pool.Poison(Start + 8192, 256);

        var refusal = disk.Read(8192, new byte[512]);

        Assert.Equal(("EIO", "media-error"), (refusal!.Errno, refusal.Code));
        Assert.True(pool.Memory.IsKnownBad(Start + 8192, 512));
        Assert.Null(disk.Read(8192 - 512, new byte[512]));
    }

    [Fact]
    [Trait("Row", "41")]
    public void BlockWrite_OverABadSector_ClearsItFirst()
    {
        using var pool = new Pool();
        var disk = pool.Disk();
        pool.Poison(Start + 8192, 256);
        Assert.NotNull(disk.Read(8192, new byte[512]));

        var refusal = disk.Write(8192, new byte[512], out var written);

        Assert.Null(refusal);
        Assert.Equal(1, written.ClearedSectors);
        Assert.Null(disk.Read(8192, new byte[512]));
    }

    [Fact]
    public void PoisonAndBadRanges_AfterARestart_AreTheSame()
    {
        using var pool = new Pool();
        pool.Poison(Start + 8192, 256);
        pool.Memory.MakeKnown(new ByteRange(Start + 8192, 64));
        var before = pool.Observe();

        pool.Reopen();

        Assert.Equal(before.Select(Text), pool.Observe().Select(Text));
    }

    private static string Text(DimmObservation state) =>
        $"{state.DimmId} {state.Version} poison {string.Join(',', state.Poison)} bad {string.Join(',', state.BadRanges)}";

    private sealed class Pool : IDisposable
    {
        private readonly MediaFolder _folder = new();
        private readonly DimmLayout[] _layouts;
        private Dictionary<Guid, DimmMedia> _dimms = [];

        public Pool()
        {
            _layouts = [.. Enumerable.Range(0, Ways).Select(number => new DimmLayout
            {
                DimmId = Guid.Parse($"01a20000-0000-7000-8000-00000000010{number}"),
                Name = $"nmem{number}",
                Capacity = DimmBytes,
                ClearErrorUnit = 256,
            })];
            Reopen();
        }

        public MediaFence Fence => MediaFence.TryRaise(Path.Combine(_folder.Path, "epoch"), 1)!;

        public SystemMemory Memory { get; private set; } = null!;

        public void Reopen()
        {
            Close();
            _dimms = _layouts.ToDictionary(layout => layout.DimmId, layout => DimmMedia.Open(_folder.Path, Host, layout, Fence));
            var region = new RegionLayout
            {
                RegionId = Guid.Empty,
                Name = "region0",
                Start = Start,
                Size = Ways * DimmBytes,
                Mappings = [.. _layouts.Select(layout => new RegionMappingLayout(layout.DimmId, 0, DimmBytes))],
            };
            Memory = new SystemMemory([region], _dimms, Fence);
        }

        public byte ByteAt(int position, long dpa)
        {
            var one = new byte[1];
            _dimms[_layouts[position].DimmId].Read(dpa, one);
            return one[0];
        }

        public BlockIo Disk() => new(new NamespaceMedia(Memory, Start, Ways * DimmBytes), 0, Ways * DimmBytes, 512);

        public void Poison(long spa, long length)
        {
            foreach (var run in Memory.Runs(spa, length))
            {
                Memory.Change(run.Dimm, ErrorChange.Poison(run.Dpa, run.Length));
            }
        }

        public IReadOnlyList<DimmObservation> Observe() => [.. _layouts.Select(layout => _dimms[layout.DimmId].Observe(1))];

        public void Dispose()
        {
            Close();
            _folder.Dispose();
        }

        private void Close()
        {
            foreach (var dimm in _dimms.Values)
            {
                dimm.Dispose();
            }
        }
    }
}
