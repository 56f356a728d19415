using System.Text.Json.Nodes;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Model;
using PmemFleet.Nvdimm.Sysfs;

namespace PmemFleet.Nvdimm.Listing;

/// <summary><c>ndctl list</c> over one bus, field for field; devices in the order in which ndctl finds them (spec 20 section 10).</summary>
public static class NdctlList
{
    /// <summary>What ndctl prints, or null where it prints nothing.</summary>
    public static JsonNode? Of(Bus bus, ListOptions options)
    {
        ArgumentNullException.ThrowIfNull(bus);
        ArgumentNullException.ThrowIfNull(options);
        var wanted = options.Effective();
        var filter = new ListFilter(wanted);
        if (!filter.Takes(bus))
        {
            return null;
        }

        var dimms = wanted.Dimms ? Dimms(bus, filter) : [];
        var (regions, namespaces) = Regions(bus, filter);
        if (wanted.Buses)
        {
            var listed = Bus(bus, wanted);
            Add(listed, "dimms", dimms);
            Add(listed, "regions", regions);
            if (!wanted.Regions)
            {
                Add(listed, "namespaces", namespaces);
            }

            return ListNumbers.Print(new JsonArray(listed), wanted.Human);
        }

        // one kind with something to show is printed bare; a list of namespaces counts, also where it is inside the last region
        if ((dimms.Count > 0 ? 1 : 0) + (regions.Count > 0 ? 1 : 0) + (namespaces.Count > 0 ? 1 : 0) <= 1)
        {
            return ListNumbers.Print(dimms.Count > 0 ? dimms : regions.Count > 0 ? regions : namespaces, wanted.Human);
        }

        var platform = new JsonObject();
        Add(platform, "dimms", dimms);
        Add(platform, "regions", regions);
        if (regions.Count == 0)
        {
            Add(platform, "namespaces", namespaces);
        }

        return platform;
    }

    private static void Add(JsonObject parent, string name, JsonArray array)
    {
        if (array.Count > 0)
        {
            parent[name] = array;
        }
    }

    private static JsonObject Bus(Bus bus, ListOptions options)
    {
        var listed = new JsonObject { ["provider"] = bus.Provider, ["dev"] = bus.Name };
        if (bus.Scrub != ScrubState.None)
        {
            listed["scrub_state"] = bus.Scrub == ScrubState.Active ? "active" : "idle";
        }

        if (options.Firmware is { Count: > 0 } firmware)
        {
            listed["firmware"] = FirmwareListing.OfBus(firmware.Values);
        }

        return listed;
    }

    private static JsonArray Dimms(Bus bus, ListFilter filter) =>
        [.. bus.Dimms.Where(dimm => filter.Takes(bus, dimm)).OrderBy(dimm => dimm.Name, SysfsOrder.Instance)
            .Select(dimm => Dimm(dimm, filter.Options))];

    private static JsonObject Dimm(Dimm dimm, ListOptions options)
    {
        var human = options.Human;
        var listed = new JsonObject
        {
            ["dev"] = dimm.Name,
            ["id"] = dimm.UniqueId,
            ["handle"] = ListNumbers.Hex(dimm.Identity.Handle, human),
            ["phys_id"] = ListNumbers.Hex(dimm.Identity.PhysicalId, human),
        };
        if (!dimm.Enabled)
        {
            listed["state"] = "disabled";
        }

        foreach (var (condition, name) in (ReadOnlySpan<(DimmConditions, string)>)
            [
                (DimmConditions.MapFailed, "flag_failed_map"), (DimmConditions.SaveFailed, "flag_failed_save"),
                (DimmConditions.NotArmed, "flag_failed_arm"), (DimmConditions.RestoreFailed, "flag_failed_restore"),
                (DimmConditions.FlushFailed, "flag_failed_flush"), (DimmConditions.SmartEvent, "flag_smart_event"),
            ])
        {
            if (dimm.Conditions.HasFlag(condition))
            {
                listed[name] = true;
            }
        }

        if (dimm.Security is { } security)
        {
            listed["security"] = security;
        }

        if (options.FrozenDimms.Contains(dimm.Name))
        {
            listed["security_frozen"] = true;
        }

        if (options.Firmware?.GetValueOrDefault(dimm.Name) is { } firmware)
        {
            listed["firmware"] = firmware.Print(human);
        }

        if (options.Health?.GetValueOrDefault(dimm.Name) is { } health)
        {
            listed["health"] = health.DeepClone();
        }

        return listed;
    }

    /// <summary>
    /// The regions, and the namespaces that are not inside one of them. With regions these are the last one's: ndctl begins its list anew
    /// with each region, and looks at the end whether it has one (y_lists C21).
    /// </summary>
    private static (JsonArray Regions, JsonArray Namespaces) Regions(Bus bus, ListFilter filter)
    {
        var options = filter.Options;
        var (regions, namespaces) = (new JsonArray(), new JsonArray());
        foreach (var region in bus.Regions.Where(filter.Takes).OrderBy(region => region.Name, SysfsOrder.Instance))
        {
            JsonObject? listed = null;
            if (options.Regions && filter.Shows(region))
            {
                regions.Add((JsonNode)(listed = Region(bus, region, options)));
                namespaces = [];
            }

            if (!options.Namespaces)
            {
                continue;
            }

            foreach (var device in region.Namespaces.Where(filter.Takes).OrderBy(device => device.Name, SysfsOrder.Instance))
            {
                namespaces.Add((JsonNode)Namespace(device, options));
            }

            if (listed is not null && namespaces.Count > 0)
            {
                listed["namespaces"] = namespaces;
            }
        }

        return (regions, namespaces);
    }

    private static JsonObject Region(Bus bus, Region region, ListOptions options)
    {
        var isLabelled = region.NamespaceKind == NamespaceKind.Pmem;
        var listed = new JsonObject
        {
            ["dev"] = region.Name,
            ["size"] = ListNumbers.Size(region.Size, options.Human),
            ["align"] = ListNumbers.Size(region.Align, options.Human),
            ["available_size"] = ListNumbers.Size(isLabelled ? region.AvailableSize : 0, options.Human),
            ["max_available_extent"] = ListNumbers.Size(isLabelled ? region.MaxAvailableExtent : 0, options.Human),
            ["type"] = "pmem",
        };
        Nodes(listed, region, options);
        if (isLabelled)
        {
            listed["iset_id"] = ListNumbers.Hex(region.Cookie, options.Human);
        }

        if (options.Dimms && region.Mappings.Count > 0)
        {
            listed["mappings"] = new JsonArray([.. region.Mappings.Select(m => (JsonNode)new JsonObject
            {
                ["dimm"] = m.Dimm.Name,
                ["offset"] = ListNumbers.Hex((ulong)m.Part.Start, options.Human),
                ["length"] = ListNumbers.Hex((ulong)m.Part.Size, options.Human),
                ["position"] = m.Position,
            })]);
        }

        if (!region.Enabled)
        {
            listed["state"] = "disabled";
        }

        BadblockList.Add(listed, options, BadblockList.Within(options, region, region.Start, region.Size));
        if (options.Capabilities)
        {
            CapabilityList.Add(listed, bus, region);
        }

        listed["persistence_domain"] = region.PersistenceDomain switch
        {
            PersistenceDomain.CpuCache => "cpu_cache",
            PersistenceDomain.MemoryController => "memory_controller",
            _ => "unknown",
        };
        return listed;
    }

    /// <summary>One namespace, as a list or a create prints it.</summary>
    public static JsonObject Namespace(PmemNamespace device, ListOptions options)
    {
        var mode = NamespaceModes.Of(device);
        var listed = new JsonObject { ["dev"] = device.Name, ["mode"] = NamespaceModes.Text(mode) };
        if (mode is NamespaceMode.Fsdax or NamespaceMode.Devdax)
        {
            listed["map"] = device.Claim is null ? "mem" : device.Claim.Map switch
            {
                MapLocation.Ram => "mem",
                MapLocation.Pmem => "dev",
                _ => "none",
            };
        }

        if (Size(device) is { } size)
        {
            listed["size"] = ListNumbers.Size(size, options.Human);
        }

        Uuids(listed, device, options);
        if (mode == NamespaceMode.Devdax && device is { IsEnabled: true, Claim.Bound: BindOutcome.Pages pages })
        {
            if (options.DaxRegions)
            {
                listed["daxregion"] = DaxctlList.NdctlRegion(device, pages, options);
            }
            else
            {
                listed["chardev"] = DaxctlList.CharDevice(device);
            }
        }

        else if (mode == NamespaceMode.Devdax && options.DaxRegions && device.Claim is not null)
        {
            listed["daxregion"] = new JsonObject { ["id"] = device.Region.Id };
        }

        if (mode != NamespaceMode.Devdax)
        {
            listed["sector_size"] = device.Claim?.SectorSize?.Value ?? (device.SectorSize == 0 ? 512 : device.SectorSize);
        }

        if (device.Claim is { Kind: not PersonalityKind.Btt } claim)
        {
            listed["align"] = claim.Align.Value;
        }

        if (device.IsEnabled && mode != NamespaceMode.Devdax)
        {
            listed["blockdev"] = BlockDevice(device);
        }

        if (!device.IsEnabled)
        {
            listed["state"] = "disabled";
        }

        if (device.AltName.Length > 0)
        {
            listed["name"] = device.AltName;
        }

        Nodes(listed, device.Region, options);
        BadblockList.Add(listed, options, BadblockList.Of(options, device), countOnly: mode == NamespaceMode.Sector);
        return listed;
    }

    /// <summary>The block device's name: <c>pmem0</c>, <c>pmem0.1</c>, <c>pmem0.1s</c>.</summary>
    public static string BlockDevice(PmemNamespace device) =>
        $"pmem{device.Region.Id}{(device.Id == 0 ? "" : $".{device.Id}")}{(device.Claim?.Kind == PersonalityKind.Btt ? "s" : "")}";

    private static long? Size(PmemNamespace device) => device.Claim is null ? device.Size : device.Claim.Bound switch
    {
        BindOutcome.Btt btt => btt.Size.Value,
        BindOutcome.Pages pages => pages.Size.Value,
        _ => null,
    };

    private static void Uuids(JsonObject listed, PmemNamespace device, ListOptions options)
    {
        if (device.Claim is { } claim)
        {
            if (claim.Uuid is { } uuid)
            {
                listed["uuid"] = uuid.ToString();
            }

            if (options.Verbose && device.Uuid is { } raw)
            {
                listed["raw_uuid"] = raw.ToString();
            }
        }
        else if (device.Kind == NamespaceKind.Pmem)
        {
            listed["uuid"] = (device.Uuid ?? Guid.Empty).ToString();
        }
    }

    private static void Nodes(JsonObject listed, Region region, ListOptions options)
    {
        if (options.Verbose && region.NumaNode >= 0)
        {
            listed["numa_node"] = region.NumaNode;
        }

        if (options.Verbose && region.TargetNode >= 0)
        {
            listed["target_node"] = region.TargetNode;
        }
    }
}
