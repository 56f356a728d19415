using System.Globalization;
using System.Text;
using PmemFleet.Nvdimm.Model;
using PmemFleet.Nvdimm.Primitives;
using PmemFleet.Nvdimm.Tests.Labels;

namespace PmemFleet.Nvdimm.Tests.Model;

/// <summary>The machine that a recorded script names in its first line: <c># run.sh args: d0.img,256M+128K,label=128K d1.img,1G+2M</c>. Each DIMM has a region.</summary>
internal static class ToolMachine
{
    private const long FirstAddress = 0x1_0000_0000;

    public static Bus Of(string @case, ReplayMedia media)
    {
        var line = Encoding.UTF8.GetString(GoldenVectors.Bytes(@case + "/steps.sh")).Split('\n')[0];
        var bus = Bus.Load(new BusSnapshot { Provider = "ACPI.NFIT" });
        var start = FirstAddress;
        foreach (var (words, number) in line.Split(' ').Where(word => word.Contains(".img,", StringComparison.Ordinal)).Select((word, number) => (word.Split(','), number)))
        {
            var sizes = words[1].Split('+');
            var capacity = SizeText.Parse(sizes[0])!.Value.Bytes;
            Assert.Null(bus.Plug(GoldenHosts.QemuDimm(number, capacity, (int)SizeText.Parse(sizes[1])!.Value.Bytes)).Refusal);
            var defined = bus.Define(new RegionDefinition { Mappings = [new MappingDefinition(string.Create(CultureInfo.InvariantCulture, $"nmem{number}"))], Start = new Spa(start) });
            Assert.Null(defined.Refusal);
            media.Run(bus, defined.Value.Steps);
            start += capacity;
        }

        return bus;
    }
}
