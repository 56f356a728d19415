using System.Buffers.Binary;

namespace PmemFleet.Nvdimm.Primitives;

/// <summary>The checksum of index blocks, labels, BTT, PFN and DAX info blocks and of interleave-set cookies (spec 10 section 4).</summary>
public static class Fletcher64
{
    /// <summary>The checksum of <paramref name="data"/>, read as little-endian 32-bit words; trailing bytes are ignored.</summary>
    public static ulong Compute(ReadOnlySpan<byte> data)
    {
        uint lo = 0;
        ulong hi = 0;
        for (; data.Length >= sizeof(uint); data = data[sizeof(uint)..])
        {
            lo += BinaryPrimitives.ReadUInt32LittleEndian(data);
            hi += lo;
        }

        return (hi << 32) | lo;
    }

    /// <summary>The checksum of <paramref name="data"/> with the 8-byte checksum field at <paramref name="field"/> taken as zero.</summary>
    public static ulong ComputeSkipping(ReadOnlySpan<byte> data, int field)
    {
        uint lo = 0;
        ulong hi = 0;
        for (var at = 0; at + sizeof(uint) <= data.Length; at += sizeof(uint))
        {
            if (at < field || at >= field + sizeof(ulong))
            {
                lo += BinaryPrimitives.ReadUInt32LittleEndian(data[at..]);
            }

            hi += lo;
        }

        return (hi << 32) | lo;
    }
}
