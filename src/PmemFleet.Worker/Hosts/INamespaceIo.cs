using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Problems;
using PmemFleet.Nvdimm.Media;

namespace PmemFleet.Worker.Hosts;

/// <summary>The block device of a bound namespace: a plain one, or a BTT.</summary>
internal interface INamespaceIo
{
    /// <summary>Bytes of the device.</summary>
    long Length { get; }

    /// <summary>The same device over other media: a rehearsal.</summary>
    INamespaceIo Over(IMedia media);

    /// <summary>Reads whole sectors or refuses (EINVAL, EIO).</summary>
    RefusalDto? Read(long offset, Span<byte> destination);

    /// <summary>Writes whole sectors and makes them durable, or refuses (EINVAL, EIO, EROFS).</summary>
    RefusalDto? Write(long offset, ReadOnlySpan<byte> source, out DataWrittenDto written);
}
