using System.Text.Json.Nodes;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Model;

namespace PmemFleet.Nvdimm.Listing;

/// <summary><c>ndctl list</c> over one bus, field for field; devices in the order of their numbers (spec 20 section 10).</summary>
public static class NdctlList
{
    /// <summary>What ndctl prints, or null where it prints nothing.</summary>
    public static JsonNode? Of(Bus bus, ListOptions options)
    {
        var wanted = options.Effective();
        if (wanted.Bus is { } name && name != bus.Name && name != bus.Provider)
        {
            return null;
        }

        var dimms = wanted.Dimms ? Dimms(bus, wanted) : [];
        var regions = wanted.Regions ? Regions(bus, wanted) : [];
        var namespaces = wanted is { Namespaces: true, Regions: false } ? Namespaces(bus.Regions, wanted) : [];
        if (wanted.Buses)
        {
            var listed = Bus(bus, wanted);
            Add(listed, "dimms", dimms);
            Add(listed, "regions", regions);
            Add(listed, "namespaces", namespaces);
            return ListNumbers.Print(new JsonArray(listed), wanted.Human);
        }

        // what has nothing to show is no list of its own: only one kind is left then, and printed bare
        var hasNamespaces = namespaces.Count > 0 || regions.Any(region => region!["namespaces"] is not null);
        var asked = (wanted.Dimms ? 1 : 0) + (wanted.Regions ? 1 : 0) + (wanted.Namespaces ? 1 : 0);
        var shown = (dimms.Count > 0 ? 1 : 0) + (regions.Count > 0 ? 1 : 0) + (hasNamespaces ? 1 : 0);
        if (asked == 1 || shown == 1)
        {
            return ListNumbers.Print(dimms.Count > 0 ? dimms : regions.Count > 0 ? regions : namespaces, wanted.Human);
        }

        var platform = new JsonObject();
        Add(platform, "dimms", dimms);
        Add(platform, "regions", regions);
        Add(platform, "namespaces", namespaces);
        return platform.Count == 0 ? null : platform;
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

    private static JsonArray Dimms(Bus bus, ListOptions options) =>
        [.. bus.Dimms
            .Where(d => (d.Enabled || options.Idle) && options.Dimm is var only && (only is null || only == d.Name))
            .Where(d => options.Region is null || bus.Regions.Any(r => r.Name == options.Region && r.Mappings.Any(m => m.Dimm == d)))
            .Select(d => Dimm(d, options))];

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

    private static JsonArray Regions(Bus bus, ListOptions options) =>
        [.. bus.Regions
            .Where(r => (r.Enabled || options.Idle) && options.Takes(r))
            .Where(r => options.Dimm is null || r.Mappings.Any(m => m.Dimm.Name == options.Dimm))
            .Where(r => options.Namespace is null || r.Namespaces.Any(n => n.Name == options.Namespace))
            .Where(r => options.Mode is null || r.Namespaces.Any(n => n.Size > 0 && NamespaceModes.Of(n) == options.Mode))
            .Select(r => Region(bus, r, options))];

    private static JsonObject Region(Bus bus, Region region, ListOptions options)
    {
        var isLabelled = region.NamespaceKind == NamespaceKind.Pmem;
        var listed = new JsonObject
        {
            ["dev"] = region.Name,
            ["size"] = ListNumbers.Size(region.Size, options.Human),
            ["align"] = region.Align,
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
        if (options.Namespaces)
        {
            Add(listed, "namespaces", Namespaces([region], options));
        }

        return listed;
    }

    private static JsonArray Namespaces(IEnumerable<Region> regions, ListOptions options) =>
        [.. regions
            .Where(options.Takes)
            .Where(r => options.Dimm is null || r.Mappings.Any(m => m.Dimm.Name == options.Dimm))
            .SelectMany(r => r.Namespaces)
            .Where(n => options.Namespace is null || options.Namespace == n.Name)
            .Where(n => options.Mode is null || NamespaceModes.Of(n) == options.Mode)
            .Where(n => n.IsEnabled || options.Idle || (options.Configured && n.Size > 0))
            .Select(n => Namespace(n, options))];

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
                listed["daxregion"] = DaxctlList.NdctlRegion(device, pages, options.Human);
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
