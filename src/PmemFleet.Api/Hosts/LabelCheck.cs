using System.Globalization;
using PmemFleet.Contracts.Hosts;
using PmemFleet.Nvdimm.Model;

namespace PmemFleet.Api.Hosts;

/// <summary>What labels say, against what the rows say. Namespaces are compared by uuid: a boot may give them other numbers.</summary>
public static class LabelCheck
{
    public static IEnumerable<HostDifferenceDto> Compare(BusSnapshot rows)
    {
        var probed = Bus.Load(rows);
        probed.PowerCycle();
        var labels = probed.Snapshot();
        foreach (var dimm in rows.Dimms.Where(dimm => dimm.Enabled))
        {
            var onMedia = Extents(labels.Dimms.First(other => other.Id == dimm.Id));
            if (Extents(dimm) is var inRows && inRows != onMedia)
            {
                yield return Difference($"nmem{dimm.Id}", "extents", onMedia, inRows);
            }
        }

        foreach (var region in rows.Regions.Where(region => region.Enabled))
        {
            foreach (var difference in Compare(region, labels.Regions.First(other => other.Id == region.Id)))
            {
                yield return difference;
            }
        }
    }

    private static IEnumerable<HostDifferenceDto> Compare(RegionSnapshot rows, RegionSnapshot labels)
    {
        var onMedia = labels.Namespaces.Where(device => device.Size.Value > 0).ToDictionary(KeyOf);
        foreach (var device in rows.Namespaces.Where(device => device.Size.Value > 0))
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"namespace{rows.Id}.{device.Id}");
            if (!onMedia.Remove(KeyOf(device), out var label))
            {
                yield return Difference(name, "uuid", "none", device.Uuid?.ToString() ?? "label-less");
                continue;
            }

            (string Field, string OnMedia, string InRows)[] fields =
            [
                ("size", $"{label.Size}", $"{device.Size}"),
                ("start", $"0x{label.Start?.Value:x}", $"0x{device.Start?.Value:x}"),
                ("altName", label.AltName, device.AltName),
                ("sectorSize", $"{label.SectorSize}", $"{device.SectorSize}"),
                ("claimClass", $"{label.ClaimClass}", $"{device.ClaimClass}"),
            ];
            foreach (var (field, media, row) in fields.Where(field => field.OnMedia != field.InRows))
            {
                yield return Difference(name, field, media, row);
            }
        }

        foreach (var unknown in onMedia.Values)
        {
            yield return Difference($"region{rows.Id}", "namespace", unknown.Uuid?.ToString() ?? "label-less", "none");
        }
    }

    private static Guid KeyOf(NamespaceSnapshot device) => device.Uuid ?? Guid.Empty;

    private static string Extents(DimmSnapshot dimm) =>
        string.Join(", ", dimm.Extents.OrderBy(extent => extent.Start).Select(extent => $"{extent.Owner} {extent.Start}+{extent.Length}"));

    private static HostDifferenceDto Difference(string subject, string field, string onMedia, string inRows) =>
        new() { Subject = subject, Field = field, OnMedia = onMedia, InRows = inRows };
}
