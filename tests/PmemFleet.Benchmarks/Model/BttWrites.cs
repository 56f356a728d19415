using Microsoft.Win32.SafeHandles;
using PmemFleet.Benchmarks.Harness;
using PmemFleet.Contracts.Sync;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Btt;
using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Primitives;
using PmemFleet.Worker.Media;

namespace PmemFleet.Benchmarks.Model;

/// <summary>A sector namespace of 1 GiB on the worker's own media store, and its DIMM's file for the bare calls.</summary>
internal sealed class BttWrites : IDisposable
{
    public const int Count = 200_000;
    public const int DurableCount = 500;
    private const long Capacity = Bytes.GiB;
    private const long Start = 0x100000000;
    private const int Sector = 4096;

    /// <summary>Of the BTT's data area: the bare calls must not meet its map and log.</summary>
    private const long DataSectors = (Capacity - (32 * Bytes.MiB)) / Sector;

    private readonly string _folder = Directory.CreateTempSubdirectory("pmemfleet-btt-").FullName;
    private readonly Dictionary<Guid, DimmMedia> _dimms = [];
    private readonly SafeFileHandle _file;
    private readonly BttDevice _plain;
    private readonly BttDevice _durable;

    public BttWrites()
    {
        var dimm = Guid.Parse("01a20000-0000-7000-8000-000000000001");
        var store = HostStore.TryOpen(_folder, Guid.Parse("01a20000-0000-7000-8000-000000000002"), 1) ?? throw new InvalidOperationException("the store is fenced");
        _dimms[dimm] = DimmMedia.Open(store.Folder, store.HostId, new DimmLayout { DimmId = dimm, Name = "nmem0", Capacity = Capacity, ClearErrorUnit = 256 }, store.Fence);
        var memory = new SystemMemory(
            [new RegionLayout { RegionId = dimm, Name = "region0", Start = Start, Size = Capacity, Mappings = [new RegionMappingLayout(dimm, 0, Capacity)] }], _dimms, store.Fence);
        var media = new NamespaceMedia(memory, Start, Capacity);
        var bound = NamespaceBinder.Bind(
            new BindPlan
            {
                Namespace = "namespace0.0",
                Start = new Spa(Start),
                Size = new Bytes(Capacity),
                ParentUuid = dimm,
                ClaimClass = ClaimClass.Btt2,
                Configured = new ConfiguredPersonality { Kind = PersonalityKind.Btt, Uuid = dimm, SectorSize = new Bytes(Sector) },
            },
            media);
        if (bound is not BindOutcome.Btt)
        {
            throw new InvalidOperationException($"the BTT did not start: {bound}");
        }

        _plain = Open(new NotFlushed(media), dimm);
        _durable = Open(media, dimm);
        _file = File.OpenHandle(Directory.EnumerateFiles(store.Folder, "*.dimm").Single(), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
    }

    public double BttPerSecond(int count, bool durable)
    {
        var (device, data) = (durable ? _durable : _plain, new byte[Sector]);
        var random = new Random(1);
        var sectors = device.Length / Sector;
        return count / Stopwatches.Seconds(() =>
        {
            for (var i = 0; i < count; i++)
            {
                if (device.Write(random.NextInt64(sectors) * Sector, data) is { } failed)
                {
                    throw new InvalidOperationException($"{failed}");
                }
            }
        });
    }

    public double BarePerSecond(int count, bool durable)
    {
        var data = new byte[Sector];
        var random = new Random(1);
        return count / Stopwatches.Seconds(() =>
        {
            for (var i = 0; i < count; i++)
            {
                RandomAccess.Write(_file, data, Bytes.MiB + (random.NextInt64(DataSectors) * Sector));
                if (durable)
                {
                    Libc.SyncData(_file);
                }
            }
        });
    }

    public void Dispose()
    {
        _file.Dispose();
        foreach (var dimm in _dimms.Values)
        {
            dimm.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private static BttDevice Open(IMedia media, Guid parent) => BttDevice.Open(media, 0, parent, readOnly: false).TryGet(out var device, out var refusal)
        ? device
        : throw new InvalidOperationException(refusal.Message);

    /// <summary>The worker's media without the flush at a request's end: the yardstick has none either.</summary>
    private sealed class NotFlushed(NamespaceMedia inner) : IMedia
    {
        public long Length => inner.Length;

        public bool TryRead(long offset, Span<byte> destination) => inner.TryRead(offset, destination);

        public void Write(long offset, ReadOnlySpan<byte> source) => inner.Write(offset, source);

        public void Zero(long offset, long length) => inner.Zero(offset, length);

        public long ClearPoison(long offset, long length) => inner.ClearPoison(offset, length);

        public void Flush()
        {
        }

        public bool IsKnownBad(long offset, long length) => inner.IsKnownBad(offset, length);

        public void Order() => inner.Order();
    }
}
