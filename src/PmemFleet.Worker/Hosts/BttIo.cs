using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Sync;
using PmemFleet.Nvdimm.Btt;
using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Primitives;
using PmemFleet.Worker.Media;

namespace PmemFleet.Worker.Hosts;

/// <summary>The block device of a sector-mode namespace.</summary>
/// <param name="device">The BTT.</param>
internal sealed class BttIo(BttDevice device) : INamespaceIo
{
    public long Length => device.Length;

    public static Outcome<BttIo> Open(NamespaceMedia media, Guid? parentUuid, StepBound bound) =>
        BttDevice.Open(media, bound.Version == "2.0" ? 0 : 4096, parentUuid ?? Guid.Empty, readOnly: false).TryGet(out var device, out var refusal)
            ? new BttIo(device)
            : refusal;

    public INamespaceIo Over(IMedia media) => new BttIo(device.Over(media));

    public RefusalDto? Read(long offset, Span<byte> destination) => Explain(device.Read(offset, destination), offset, destination.Length);

    public RefusalDto? Write(long offset, ReadOnlySpan<byte> source, out DataWrittenDto written)
    {
        written = new DataWrittenDto { Offset = offset, Length = source.Length, ClearedSectors = 0 };
        return Explain(device.Write(offset, source), offset, source.Length);
    }

    private RefusalDto? Explain(Errno? errno, long offset, int length) => errno switch
    {
        null => null,
        Errno.EINVAL => Refusals.Of("EINVAL", "block-misaligned", "A sector namespace is read and written in whole sectors.", ("offset", offset), ("length", length), ("sector", device.SectorBytes)),
        Errno.EIO when offset > Length - length => Refusals.Of("EIO", "beyond-end", "The range ends behind the device.", ("offset", offset), ("length", length), ("size", Length)),
        { } other => Refusals.Of(other.ToString(), "media-error", "A sector of the range is in error.", ("offset", offset), ("length", length)),
    };
}
