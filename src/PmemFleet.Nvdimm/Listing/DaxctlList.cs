using System.Globalization;
using System.Text.Json.Nodes;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Model;
using PmemFleet.Nvdimm.Sysfs;

namespace PmemFleet.Nvdimm.Listing;

/// <summary><c>daxctl list</c> of the devdax namespaces of one bus, one device a region (spec 20 section 10).</summary>
public static class DaxctlList
{
    /// <summary>What daxctl prints, or null where it prints nothing.</summary>
    /// <param name="bus">The bus.</param>
    /// <param name="options">What is asked for.</param>
    /// <param name="states">Drivers and memory blocks of the devices.</param>
    public static JsonNode? Of(Bus bus, DaxctlOptions options, DaxDeviceStates? states = null)
    {
        ArgumentNullException.ThrowIfNull(bus);
        ArgumentNullException.ThrowIfNull(options);
        var wanted = options.Effective();
        var (regions, devices) = (DeviceFilter.Of(wanted.Region), DeviceFilter.Of(wanted.Device));
        var listed = new JsonArray();
        foreach (var found in bus.Namespaces.OrderBy(CharDevice, SysfsOrder.Instance))
        {
            if (found is not { IsEnabled: true, Claim: { Kind: PersonalityKind.Dax, Bound: BindOutcome.Pages pages } claim }
                || regions?.Takes(found.Region.Name, found.Region.Id) == false)
            {
                continue;
            }

            // a device filter drops devices, and no region
            var device = wanted.Devices && devices?.Takes(CharDevice(found), found.Region.Id, found.Id) != false
                ? Device(found, pages, wanted.Mappings, wanted.Human, states?.Of(found)) : null;
            if (wanted.Regions)
            {
                var one = Region(found, pages, wanted.Human, $"{bus.DevicePath}/{bus.Name}/{found.Region.Name}/{claim.Name}");
                if (device is not null)
                {
                    one["devices"] = new JsonArray(device);
                }

                listed.Add((JsonNode)one);
            }
            else if (device is not null)
            {
                listed.Add((JsonNode)device);
            }
        }

        return ListNumbers.Print(listed, wanted.Human);
    }

    /// <summary>The character device's name: the namespace's numbers, not the personality's.</summary>
    public static string CharDevice(PmemNamespace device) =>
        string.Create(CultureInfo.InvariantCulture, $"dax{device.Region.Id}.{device.Id}");

    internal static JsonObject NdctlRegion(PmemNamespace device, BindOutcome.Pages pages, ListOptions options)
    {
        var region = Region(device, pages, options.Human, path: null);
        region["devices"] = new JsonArray(Device(device, pages, mappings: false, options.Human, options.DaxDevices.Of(device)));
        return region;
    }

    private static JsonObject Region(PmemNamespace device, BindOutcome.Pages pages, bool human, string? path)
    {
        var region = new JsonObject();
        if (path is not null)
        {
            region["path"] = path;
        }

        region["id"] = device.Region.Id;
        region["size"] = ListNumbers.Size(pages.Size.Value, human);
        region["align"] = ListNumbers.Size(pages.Align.Value, human);
        return region;
    }

    private static JsonObject Device(PmemNamespace device, BindOutcome.Pages pages, bool mappings, bool human, DaxDeviceState? state)
    {
        var listed = new JsonObject { ["chardev"] = CharDevice(device), ["size"] = ListNumbers.Size(pages.Size.Value, human) };
        if (device.Region.TargetNode >= 0)
        {
            listed["target_node"] = device.Region.TargetNode;
        }

        listed["align"] = ListNumbers.Size(pages.Align.Value, human);
        listed["mode"] = state is { IsSystemRam: true } ? "system-ram" : "devdax";
        if (state is { IsSystemRam: true, IsEnabled: true })
        {
            listed["online_memblocks"] = state.OnlineBlocks;
            listed["total_memblocks"] = state.TotalBlocks;
            if (state.OnlineBlocks > 0)
            {
                listed["movable"] = true;
            }
        }

        if (state is { IsEnabled: false })
        {
            listed["state"] = "disabled";
        }

        if (mappings)
        {
            var start = (ulong)(device.Start + pages.StartPad.Value + pages.DataOffset.Value);
            listed["mappings"] = new JsonArray(new JsonObject
            {
                ["page_offset"] = ListNumbers.Hex(0, human),
                ["start"] = ListNumbers.Hex(start, human),
                ["end"] = ListNumbers.Hex(start + (ulong)pages.Size.Value - 1, human),
                ["size"] = ListNumbers.Size(pages.Size.Value, human),
            });
        }

        return listed;
    }
}
