using System.Buffers.Binary;
using System.Globalization;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Model;

namespace PmemFleet.Nvdimm.Sysfs;

/// <summary>What sysfs shows of the bus's devices (spec 20 section 2, spec 70).</summary>
public static class DeviceAttributes
{
    /// <summary>Attributes of a region.</summary>
    public static SortedDictionary<string, SysfsValue> Of(Region region)
    {
        var of = new Builder();
        of.Add("size", region.Size);
        of.Add("align", Hex(region.Align), SysfsValue.ReadWrite);
        of.Add("nstype", $"{(int)region.NamespaceKind}");
        of.Add("mappings", region.Mappings.Count);
        foreach (var mapping in region.Mappings)
        {
            of.Add($"mapping{of.Mappings++}", $"{mapping.Dimm.Name},{mapping.Part.Start},{mapping.Part.Size},{mapping.Position}");
        }

        of.Add("read_only", region.ReadOnly ? 1 : 0, SysfsValue.ReadWrite);
        of.Add("resource", Hex(region.Start), SysfsValue.RootReadOnly);
        of.Add("max_available_extent", region.MaxAvailableExtent);
        if (region.Cookies is not null)
        {
            of.Add("available_size", region.AvailableSize);
            of.Add("set_cookie", $"0x{region.Cookie:x}");
            of.Add("deep_flush", region.HasFlushHints ? 1 : 0, SysfsValue.ReadWrite);
        }

        if (region.PersistenceDomain != PersistenceDomain.Unknown)
        {
            of.Add("persistence_domain", region.PersistenceDomain == PersistenceDomain.CpuCache ? "cpu_cache" : "memory_controller");
        }

        of.Add("init_namespaces", region.Enabled ? $"{region.InitialNamespaces}/{region.InitialNamespaces}" : null);
        of.Add("namespace_seed", region.NamespaceSeed?.Name ?? "");
        foreach (var kind in (ReadOnlySpan<PersonalityKind>)[PersonalityKind.Btt, PersonalityKind.Pfn, PersonalityKind.Dax])
        {
            of.Add($"{Personality.Prefix(kind)}_seed", region.Seed(kind)?.Name ?? "");
        }

        of.AddCommon("nd_pmem", "nd:t2", region);
        return of.Attributes;
    }

    /// <summary>Attributes of a namespace. A label-less one cannot be resized: its <c>size</c> is read-only (seed row 35).</summary>
    public static SortedDictionary<string, SysfsValue> Of(PmemNamespace device)
    {
        var of = new Builder();
        var isLabelled = device.Kind == NamespaceKind.Pmem;
        of.Add("nstype", $"{(int)device.Kind}");
        of.Add("size", device.Size, isLabelled ? SysfsValue.ReadWrite : SysfsValue.ReadOnly);
        of.Add("mode", NamespaceModes.SysfsText(NamespaceModes.Of(device)));
        of.Add("resource", device.Size == 0 ? null : Hex(device.Start), SysfsValue.RootReadOnly);
        of.Add("force_raw", device.ForceRaw ? 1 : 0, SysfsValue.ReadWrite);
        of.Add("holder", device.Claim?.Name ?? "");
        of.Add("holder_class", ClassText(device.ClaimClass), SysfsValue.ReadWrite);
        if (isLabelled)
        {
            of.Add("uuid", device.Uuid?.ToString() ?? "", SysfsValue.ReadWrite);
            of.Add("alt_name", device.AltName, SysfsValue.ReadWrite);
            of.Add("sector_size", List([512, 4096], device.SectorSize), SysfsValue.ReadWrite);
            of.Add("dpa_extents", device.Uuid is { } owner ? device.Region.Mappings.Sum(m => m.Dimm.Space.CountOf(owner)) : 0);
        }

        of.AddCommon(isLabelled ? "nd_namespace_pmem" : "nd_namespace_io", $"nd:t{(int)device.Kind}", device.Region);
        return of.Attributes;
    }

    /// <summary>Attributes of a BTT, PFN or DAX.</summary>
    public static SortedDictionary<string, SysfsValue> Of(Bus bus, Personality personality)
    {
        var of = new Builder();
        of.Add("uuid", personality.Uuid?.ToString() ?? "", SysfsValue.ReadWrite);
        of.Add("namespace", personality.Namespace?.Name ?? "", SysfsValue.ReadWrite);
        var pages = personality.Bound as BindOutcome.Pages;
        if (personality.Kind == PersonalityKind.Btt)
        {
            of.Add("sector_size", List([.. Bus.BttSectorSizes], personality.SectorSize?.Value ?? 0), SysfsValue.ReadWrite);
            of.Add("size", (personality.Bound as BindOutcome.Btt)?.Size.Value);
            of.Add("log_zero_flags", "Y");
        }
        else
        {
            of.Add("mode", personality.Map switch { MapLocation.Ram => "ram", MapLocation.Pmem => "pmem", _ => "none" }, SysfsValue.ReadWrite);
            of.Add("align", personality.Align.Value, SysfsValue.ReadWrite);
            of.Add("supported_alignments", List([.. bus.SupportedAlignments], personality.Align.Value, mark: false));
            of.Add("size", pages?.Size.Value);
            of.Add("resource", pages is null ? null : Hex(personality.Namespace!.Start + pages.StartPad.Value + pages.DataOffset.Value), SysfsValue.RootReadOnly);
        }

        var type = personality.Kind == PersonalityKind.Dax ? 7 : (int)personality.Region.NamespaceKind;
        of.AddCommon($"nd_{Personality.Prefix(personality.Kind)}", $"nd:t{type}", personality.Region);
        return of.Attributes;
    }

    /// <summary>Attributes of a DIMM.</summary>
    public static SortedDictionary<string, SysfsValue> Of(Bus bus, Dimm dimm)
    {
        var of = new Builder();
        of.Add("available_slots", dimm.Labels?.AvailableSlots);
        of.Add("state", bus.IsActive(dimm) ? "active" : "idle");
        of.Add("flags", $"{(dimm.Labelling || dimm.Identity.Aliases ? "label " : "")}{(dimm.Locked ? "lock " : "")}".TrimEnd());
        of.Add("nfit/handle", Hex(dimm.Identity.Handle));
        of.Add("nfit/phys_id", Hex(dimm.Identity.PhysicalId));
        of.Add("nfit/id", dimm.UniqueId);
        of.Add("nfit/serial", $"0x{BinaryPrimitives.ReverseEndianness(dimm.Identity.SerialNumber):x8}");
        of.Add("nfit/vendor", $"0x{BinaryPrimitives.ReverseEndianness(dimm.Identity.VendorId):x4}");
        of.Add("modalias", "nd:t1");
        of.Add("devtype", "nvdimm");
        if (dimm.Security is { } security)
        {
            of.Add("security", security, SysfsValue.ReadWrite);
        }

        return of.Attributes;
    }

    private static string Hex(long value) => string.Create(CultureInfo.InvariantCulture, $"0x{value:x}");

    private static string ClassText(ClaimClass claim) => claim switch
    {
        ClaimClass.Btt or ClaimClass.Btt2 => "btt",
        ClaimClass.Pfn => "pfn",
        ClaimClass.Dax => "dax",
        ClaimClass.Unknown => "<unknown>",
        _ => "",
    };

    private static string List<T>(ReadOnlySpan<T> values, long current, bool mark = true)
        where T : System.Numerics.IBinaryInteger<T>
    {
        var text = "";
        foreach (var value in values)
        {
            text += mark && long.CreateChecked(value) == current ? $"[{value}] " : $"{value} ";
        }

        return text;
    }

    private sealed class Builder
    {
        public SortedDictionary<string, SysfsValue> Attributes { get; } = new(StringComparer.Ordinal);

        public int Mappings { get; set; }

        public void Add(string name, string? text, int permissions = SysfsValue.ReadOnly) => Attributes[name] = new(text, permissions);

        public void Add(string name, long? value, int permissions = SysfsValue.ReadOnly) =>
            Add(name, value?.ToString(CultureInfo.InvariantCulture), permissions);

        public void AddCommon(string type, string alias, Region region)
        {
            Add("devtype", type);
            Add("modalias", alias);
            Add("numa_node", region.NumaNode);
            Add("target_node", region.TargetNode);
        }
    }
}
