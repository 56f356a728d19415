using System.Globalization;
using System.Text.Json.Nodes;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Model;

namespace PmemFleet.Nvdimm.Listing;

/// <summary><c>daxctl list</c> of the devdax namespaces of one bus, one device a region (spec 20 section 10).</summary>
public static class DaxctlList
{
    /// <summary>What daxctl prints, or null where it prints nothing.</summary>
    /// <param name="bus">The bus.</param>
    /// <param name="regions"><c>-R</c>: dax regions, with their devices where <paramref name="devices"/> is set.</param>
    /// <param name="devices"><c>-D</c>.</param>
    /// <param name="mappings"><c>-M</c>.</param>
    /// <param name="human"><c>-u</c>.</param>
    /// <param name="states">Drivers and memory blocks of the devices.</param>
    /// <param name="region"><c>-r</c>: the dax region's number.</param>
    /// <param name="device"><c>-d</c>: the device's name.</param>
    public static JsonNode? Of(Bus bus, bool regions = false, bool devices = false, bool mappings = false, bool human = false, DaxDeviceStates? states = null, int? region = null, string? device = null)
    {
        var listed = new JsonArray();
        foreach (var found in bus.Namespaces)
        {
            if (found is not { IsEnabled: true, Claim: { Kind: PersonalityKind.Dax, Bound: BindOutcome.Pages pages } claim }
                || (region is not null && region != found.Region.Id) || (device is not null && device != CharDevice(found)))
            {
                continue;
            }

            if (!regions)
            {
                listed.Add((JsonNode)Device(found, pages, mappings, human, states?.Of(found)));
                continue;
            }

            var one = Region(found, pages, human, $"{bus.DevicePath}/{bus.Name}/{found.Region.Name}/{claim.Name}");
            if (devices)
            {
                one["devices"] = new JsonArray(Device(found, pages, mappings, human, states?.Of(found)));
            }

            listed.Add((JsonNode)one);
        }

        return ListNumbers.Print(listed, human);
    }

    /// <summary>The character device's name: the namespace's numbers, not the personality's.</summary>
    public static string CharDevice(PmemNamespace device) =>
        string.Create(CultureInfo.InvariantCulture, $"dax{device.Region.Id}.{device.Id}");

    internal static JsonObject NdctlRegion(PmemNamespace device, BindOutcome.Pages pages, bool human)
    {
        var region = Region(device, pages, human, path: null);
        region["devices"] = new JsonArray(Device(device, pages, mappings: false, human, null));
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
        region["align"] = pages.Align.Value;
        return region;
    }

    private static JsonObject Device(PmemNamespace device, BindOutcome.Pages pages, bool mappings, bool human, DaxDeviceState? state)
    {
        var listed = new JsonObject { ["chardev"] = CharDevice(device), ["size"] = ListNumbers.Size(pages.Size.Value, human) };
        if (device.Region.TargetNode >= 0)
        {
            listed["target_node"] = device.Region.TargetNode;
        }

        listed["align"] = pages.Align.Value;
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
