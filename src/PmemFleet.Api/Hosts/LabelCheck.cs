using System.Globalization;
using PmemFleet.Api.Dimms;
using PmemFleet.Contracts.Hosts;
using PmemFleet.Nvdimm.Model;

namespace PmemFleet.Api.Hosts;

/// <summary>What labels say, against what the rows say. Namespaces are compared by uuid: a boot may give them other numbers.</summary>
public static class LabelCheck
{
    public static IEnumerable<HostDifferenceDto> Compare(HostRows host)
    {
        var rows = BusOfRows.Read(host);
        var probed = Bus.Load(rows);
        probed.PowerCycle();
        var labels = probed.Snapshot();
        return host.Dimms.Where(dimm => dimm.Enabled)
            .SelectMany(dimm => Compare(dimm, rows.Dimms.First(other => other.Id == dimm.Number), labels.Dimms.First(other => other.Id == dimm.Number), probed.FindDimm(dimm.Name)!))
            .Concat(rows.Regions.Where(region => region.Enabled).SelectMany(region => Compare(region, labels.Regions.First(other => other.Id == region.Id))));
    }

    private static IReadOnlyList<HostDifferenceDto> Compare(DimmRow row, DimmSnapshot inRows, DimmSnapshot onMedia, Dimm probed)
    {
        var differences = new HostDifferences(row.Name);
        differences.Compare("labelVersion", probed.Labels is { HasIndex: true } labels ? LabelTexts.Of(labels.Geometry.Version) : null, row.LabelVersion);
        differences.Compare("availableSlots", probed.Labels?.AvailableSlots, row.AvailableSlots);
        differences.Compare("extents", Extents(onMedia), Extents(inRows));
        return differences.Found;
    }

    private static List<HostDifferenceDto> Compare(RegionSnapshot rows, RegionSnapshot labels)
    {
        var found = new List<HostDifferenceDto>();
        var onMedia = labels.Namespaces.Where(device => device.Size.Value > 0).ToLookup(KeyOf);
        var inRows = rows.Namespaces.Where(device => device.Size.Value > 0).ToLookup(KeyOf);
        foreach (var same in inRows)
        {
            foreach (var (device, index) in same.Select((device, index) => (device, index)))
            {
                var differences = new HostDifferences(string.Create(CultureInfo.InvariantCulture, $"namespace{rows.Id}.{device.Id}"));
                if (onMedia[same.Key].ElementAtOrDefault(index) is { } label)
                {
                    Compare(differences, label, device);
                }
                else
                {
                    differences.Add("uuid", "none", device.Uuid?.ToString() ?? "label-less");
                }

                found.AddRange(differences.Found);
            }
        }

        foreach (var unknown in onMedia.SelectMany(same => same.Skip(inRows[same.Key].Count())))
        {
            var differences = new HostDifferences(string.Create(CultureInfo.InvariantCulture, $"region{rows.Id}"));
            differences.Add("namespace", unknown.Uuid?.ToString() ?? "label-less", "none");
            found.AddRange(differences.Found);
        }

        return found;
    }

    private static void Compare(HostDifferences differences, NamespaceSnapshot label, NamespaceSnapshot row)
    {
        differences.Compare("kind", label.Kind, row.Kind);
        differences.Compare("size", label.Size.Value, row.Size.Value);
        differences.Compare("start", Address(label), Address(row));
        differences.Compare("altName", label.AltName, row.AltName);
        differences.Compare("sectorSize", label.SectorSize, row.SectorSize);
        if (row.Kind == NamespaceKind.Pmem)
        {
            // without a label the class lives in the kernel until the next probe
            differences.Compare("claimClass", label.ClaimClass, row.ClaimClass);
        }

        differences.Compare("unknownAbstraction", label.UnknownAbstraction, row.UnknownAbstraction);
    }

    private static string Address(NamespaceSnapshot device) => $"0x{device.Start?.Value:x}";

    private static Guid KeyOf(NamespaceSnapshot device) => device.Uuid ?? Guid.Empty;

    private static string Extents(DimmSnapshot dimm) =>
        string.Join(", ", dimm.Extents.OrderBy(extent => extent.Start).Select(extent => $"{extent.Owner} {extent.Start}+{extent.Length}"));
}
