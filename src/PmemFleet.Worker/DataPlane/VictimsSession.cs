using PmemFleet.Contracts.MediaErrors;
using PmemFleet.DeviceDax.AddressSpaces;
using PmemFleet.DeviceDax.Primitives;
using PmemFleet.Nvdimm.Badblocks;
using PmemFleet.Worker.Hosts;
using PmemFleet.Worker.Media;

namespace PmemFleet.Worker.DataPlane;

/// <summary>The mappings that an error hurts, and what became of its page.</summary>
internal static class VictimsSession
{
    private const int MostMappings = 1000;

    public static Answer<MappingVictimsDto> Find(LiveHost host, Guid dimmId, long dpa, long length)
    {
        if (host.Memory.FindDimm(dimmId) is not { } dimm || dpa < 0 || length < 1 || dpa > dimm.Layout.Capacity - length)
        {
            return Refusals.NotFound("such range of a DIMM");
        }

        var pieces = Pieces(host.Memory, dimm, dpa, length).ToList();
        return new MappingVictimsDto
        {
            Mappings =
            [
                .. (from process in host.Machine!.Processes
                    from known in host.Mappings.Of(process, refresh: true)
                    from piece in pieces
                    from victim in Over(process, known.Key, known.Value, piece)
                    select victim).DistinctBy(victim => (victim.Pid, victim.Mapping, victim.Granule)).Take(MostMappings),
            ],
            HwPoisoned = pieces.Exists(piece => host.HwPoison.Overlaps(piece.Start, piece.Length)),
            HardwareCorruptedBytes = (long)host.Machine.HardwareCorrupted.Value,
        };
    }

    /// <summary>The system physical addresses of a DIMM's range.</summary>
    private static IEnumerable<ByteRange> Pieces(SystemMemory memory, DimmMedia dimm, long dpa, long length) =>
        from region in memory.Regions
        from position in Enumerable.Range(0, region.Dimms.Count)
        where ReferenceEquals(region.Dimms[position], dimm)
        let share = region.Layout.Mappings[position]
        let start = Math.Max(dpa, share.DpaStart)
        let end = Math.Min(dpa + length, share.DpaStart + share.Length)
        where start < end
        from piece in region.Geometry.SplitDimm(new DimmAddress(position, start), end - start).Take(MostMappings)
        select new ByteRange(piece.Start + region.Layout.Start, piece.Length);

    private static IEnumerable<MappingVictimDto> Over(Process process, int id, Mapping mapping, ByteRange spa)
    {
        foreach (var extent in mapping.Device!.Extents)
        {
            var start = Math.Max((ulong)spa.Start, extent.Range.Start.Value);
            var end = Math.Min((ulong)spa.End, extent.Range.Start.Value + extent.Range.Length.Value);
            if (start >= end)
            {
                continue;
            }

            // where these bytes are in the device, and from there in the mapping
            var inDevice = (extent.PageOffset << PageGranules.PageShift) + (start - extent.Range.Start.Value);
            var mappedFrom = mapping.PageOffset << PageGranules.PageShift;
            var address = mapping.Start.Value + (Math.Max(inDevice, mappedFrom) - mappedFrom);
            if (address < mapping.End.Value && inDevice + (end - start) > mappedFrom)
            {
                var granule = PageGranules.AlignDown(address, mapping.Device.Granule.Bytes());
                yield return new MappingVictimDto
                {
                    Pid = process.Pid,
                    Comm = process.Comm,
                    Mapping = id,
                    Device = mapping.Device.Name,
                    Address = new VirtualAddress(address).ToString(),
                    Granule = new VirtualAddress(granule).ToString(),
                    AddressLsb = mapping.Device.Granule.Shift(),
                    Present = process.PhysicalOf(new VirtualAddress(address)) is not null,
                };
            }
        }
    }
}
