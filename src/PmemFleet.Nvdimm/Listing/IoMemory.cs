using System.Globalization;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Model;

namespace PmemFleet.Nvdimm.Listing;

/// <summary>The bus's lines of /proc/iomem: ranges are named by their namespace in every mode (spec 20 section 8).</summary>
public static class IoMemory
{
    /// <summary>The lines in order of address, each ended by a newline.</summary>
    /// <param name="bus">The bus.</param>
    /// <param name="showAddresses">False prints zeroes, as the kernel does for those who may not see them.</param>
    /// <param name="states">Dax devices that are system RAM or have no driver.</param>
    public static string Of(Bus bus, bool showAddresses = true, DaxDeviceStates? states = null)
    {
        var lines = new List<(long Start, int Depth, long Size, string Name)>();
        foreach (var region in bus.Regions)
        {
            lines.Add((region.Start, 0, region.Size, region.Kind == RegionKind.Legacy ? "Persistent Memory (legacy)" : "Persistent Memory"));
            foreach (var device in region.Namespaces.Where(n => n.IsEnabled))
            {
                if (device.Claim is { Kind: PersonalityKind.Dax, Bound: BindOutcome.Pages pages })
                {
                    var reserved = pages.StartPad.Value + pages.DataOffset.Value;
                    lines.Add((device.Start, 1, reserved, device.Name));
                    var name = DaxctlList.CharDevice(device);
                    if (states?.Of(device) is { IsSystemRam: true, IsEnabled: true } ram)
                    {
                        lines.Add((ram.RamStart, 1, ram.RamSize, name));
                        lines.Add((ram.RamStart, 2, ram.RamSize, "System RAM (kmem)"));
                    }
                    else
                    {
                        lines.Add((device.Start + reserved, 1, pages.Size.Value, name));
                    }
                }
                else
                {
                    lines.Add((device.Start, 1, device.Size, device.Name));
                }
            }
        }

        lines.AddRange(bus.BusyRanges.Select(b => (b.Start.Value, 0, b.Size.Value, b.Name)));
        return string.Concat(lines.OrderBy(l => l.Start).ThenBy(l => l.Depth).Select(l => string.Create(
            CultureInfo.InvariantCulture,
            $"{new string(' ', 2 * l.Depth)}{(showAddresses ? l.Start : 0):x8}-{(showAddresses ? l.Start + l.Size - 1 : 0):x8} : {l.Name}\n")));
    }
}
