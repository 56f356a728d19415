using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Model;

/// <content>Taking regions and DIMMs away: what nothing uses any more can go, as a device that no driver holds.</content>
public sealed partial class Bus
{
    /// <summary>
    /// Takes a region away; its number is free again. The labels stay on the DIMMs: the same region defined anew finds its namespaces.
    /// </summary>
    /// <returns>ENXIO where there is none; EBUSY while it is enabled, with the number of its enabled namespaces.</returns>
    public Outcome<Done> Undefine(string name)
    {
        if (FindRegion(name) is not { } region)
        {
            return Refuse.NoDevice("region", name);
        }

        if (region.Enabled)
        {
            return new Refusal(Errno.EBUSY, "region-enabled", $"{name} is enabled; disable it first.")
                .With("enabledNamespaces", region.Namespaces.Count(device => device.IsEnabled)).Allowing("disabled").About("state");
        }

        _regions.Remove(region.Id);
        return default(Done);
    }

    /// <summary>Takes a DIMM out with its label area; its number is free again.</summary>
    /// <returns>ENXIO where there is none; EBUSY while a region is made of it, with the number of such regions.</returns>
    public Outcome<Done> Unplug(string name)
    {
        if (FindDimm(name) is not { } dimm)
        {
            return Refuse.NoDevice("dimm", name);
        }

        var users = _regions.Where(region => region.Mappings.Any(mapping => mapping.Dimm == dimm)).ToList();
        if (users.Count > 0)
        {
            return new Refusal(Errno.EBUSY, "dimm-in-region", $"{name} is part of {users[0].Name}; delete that region first.")
                .With("regions", users.Count).About("dimm");
        }

        _dimms.Remove(dimm.Id);
        return default(Done);
    }
}
