using System.Buffers.Binary;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.InterleaveSet;

/// <summary>The checksums by which labels know the set of DIMMs they were written for (spec 10 section 9).</summary>
/// <param name="First">What v1.1 labels carry.</param>
/// <param name="Second">What v1.2 labels carry.</param>
/// <param name="Alternative">v1.1 by the historic, byte-wise order; accepted when read, never written.</param>
public readonly record struct SetCookies(ulong First, ulong Second, ulong Alternative)
{
    private const int FirstRecordBytes = 16;
    private const int SecondRecordBytes = 48;
    private const int SerialOffset = 8;
    private const int VendorOffset = 12;
    private const int DateOffset = 14;
    private const int LocationOffset = 16;

    /// <summary>The cookies of a set.</summary>
    public static SetCookies Of(IReadOnlyList<SetMember> members)
    {
        var ordered = members.OrderBy(m => m.RegionOffset).ToArray();
        var bytewise = members.OrderBy(m => BinaryPrimitives.ReverseEndianness(m.RegionOffset)).ToArray();
        return new SetCookies(Sum(ordered, FirstRecordBytes), Sum(ordered, SecondRecordBytes), Sum(bytewise, FirstRecordBytes));
    }

    /// <summary>The cookie in use with the DIMM's index block.</summary>
    /// <param name="selectsFirst">The current index is version 1.1.</param>
    public ulong For(bool selectsFirst) => selectsFirst ? First : Second;

    private static ulong Sum(ReadOnlySpan<SetMember> members, int recordBytes)
    {
        var records = new byte[members.Length * recordBytes];
        for (var i = 0; i < members.Length; i++)
        {
            var record = records.AsSpan(i * recordBytes, recordBytes);
            BinaryPrimitives.WriteUInt64LittleEndian(record, members[i].RegionOffset);
            BinaryPrimitives.WriteUInt32LittleEndian(record[SerialOffset..], members[i].SerialNumber);
            if (recordBytes == SecondRecordBytes)
            {
                BinaryPrimitives.WriteUInt16LittleEndian(record[VendorOffset..], members[i].VendorId);
                BinaryPrimitives.WriteUInt16LittleEndian(record[DateOffset..], members[i].ManufacturingDate);
                record[LocationOffset] = members[i].ManufacturingLocation;
            }
        }

        return Fletcher64.Compute(records);
    }
}
