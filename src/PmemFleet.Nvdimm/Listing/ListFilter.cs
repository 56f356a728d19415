using PmemFleet.Nvdimm.Model;

namespace PmemFleet.Nvdimm.Listing;

/// <summary>
/// What ndctl's filters let through (golden n_list2, y_lists C10): each drops the devices of its own kind, and those of the others that
/// have none of them.
/// </summary>
internal sealed class ListFilter(ListOptions options)
{
    private readonly DeviceFilter? _bus = DeviceFilter.Of(options.Bus);
    private readonly DeviceFilter? _dimm = DeviceFilter.Of(options.Dimm);
    private readonly DeviceFilter? _region = DeviceFilter.Of(options.Region);
    private readonly DeviceFilter? _namespace = DeviceFilter.Of(options.Namespace);

    public ListOptions Options => options;

    /// <summary>A filter that matches nothing of the bus drops the bus.</summary>
    public bool Takes(Bus bus) =>
        (_bus is null || _bus.Takes(bus.Name, bus.Id, bus.Provider))
        && (_dimm is null || bus.Dimms.Any(Matches))
        && (_region is null || bus.Regions.Any(Matches))
        && (_namespace is null || bus.Namespaces.Any(Matches));

    public bool Takes(Bus bus, Dimm dimm) =>
        (dimm.Enabled || options.Idle || options.Configured) && Matches(dimm)
        && (_region is null || RegionsOf(bus, dimm).Any(Matches))
        && (_namespace is null || RegionsOf(bus, dimm).Any(region => region.Namespaces.Any(Matches)))
        && (options.NumaNode is not { } node || RegionsOf(bus, dimm).Any(region => region.NumaNode == node));

    /// <summary>The region is walked: its namespaces may be listed, also where it is not shown itself.</summary>
    public bool Takes(Region region) =>
        Matches(region)
        && (_dimm is null || region.Mappings.Any(mapping => Matches(mapping.Dimm)))
        && (_namespace is null || region.Namespaces.Any(Matches))
        && (options.NumaNode is not { } node || region.NumaNode == node)
        && options.RegionType is null or "pmem";

    public bool Shows(Region region) => region.Enabled || options.Idle || options.Configured;

    public bool Takes(PmemNamespace device) =>
        Matches(device)
        && (options.Mode is not { } mode || NamespaceModes.Of(device) == mode)
        && (device.IsEnabled || options.Idle || (options.Configured && device.Size > 0));

    private static IEnumerable<Region> RegionsOf(Bus bus, Dimm dimm) =>
        bus.Regions.Where(region => region.Mappings.Any(mapping => mapping.Dimm == dimm));

    private bool Matches(Dimm dimm) => _dimm is null || _dimm.Takes(dimm.Name, dimm.Id);

    private bool Matches(Region region) => _region is null || _region.Takes(region.Name, region.Id);

    private bool Matches(PmemNamespace device) => _namespace is null || _namespace.Takes(device.Name, device.Region.Id, device.Id);
}
