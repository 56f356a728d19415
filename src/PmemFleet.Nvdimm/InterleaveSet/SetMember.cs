namespace PmemFleet.Nvdimm.InterleaveSet;

/// <summary>What a cookie knows of one DIMM of an interleave set: raw values of the NFIT (spec 10 section 9).</summary>
/// <param name="RegionOffset">The DIMM's offset inside the region's system-physical range, as the NFIT gives it.</param>
/// <param name="SerialNumber">Serial, as read.</param>
/// <param name="VendorId">Vendor as read little-endian; sysfs shows it byte-swapped.</param>
/// <param name="ManufacturingDate">Date as read little-endian.</param>
/// <param name="ManufacturingLocation">Location.</param>
public readonly record struct SetMember(
    ulong RegionOffset, uint SerialNumber, ushort VendorId, ushort ManufacturingDate = 0, byte ManufacturingLocation = 0);
