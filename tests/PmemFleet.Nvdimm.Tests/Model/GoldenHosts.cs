using System.Collections.Immutable;
using System.Text.Json.Nodes;
using PmemFleet.Nvdimm.Health;
using PmemFleet.Nvdimm.Listing;
using PmemFleet.Nvdimm.Model;
using PmemFleet.Nvdimm.Primitives;
using PmemFleet.Nvdimm.Tests.Labels;

namespace PmemFleet.Nvdimm.Tests.Model;

/// <summary>The machines the recorded cases ran on.</summary>
internal static class GoldenHosts
{
    public static Bus For(string @case, FakeMedia media) =>
        @case.StartsWith("a_label", StringComparison.Ordinal) ? ThreeDimms(media)
        : @case.StartsWith("a_n_", StringComparison.Ordinal) ? NfitTest(media)
        : @case.StartsWith("k_e820", StringComparison.Ordinal) ? Legacy(media)
        : @case.StartsWith("x_", StringComparison.Ordinal) ? Recorded(@case, media)
        : Qemu(media, @case.StartsWith("a_b_raw", StringComparison.Ordinal) || @case.StartsWith("a_b_fsdax", StringComparison.Ordinal)
            || @case.StartsWith("a_b_devdax", StringComparison.Ordinal) || @case.StartsWith("a_b_sector", StringComparison.Ordinal) ? 4 : 1);

    public static Bus Qemu(FakeMedia media, int gibibytes = 1, byte[]? labels = null)
    {
        var bus = Bus.Load(new BusSnapshot { Provider = "ACPI.NFIT" });
        Plug(bus, 0, gibibytes * Bytes.GiB, 2 << 20, labels);
        Define(bus, media, 0, 0x100000000);
        return bus;
    }

    public static DimmSnapshot QemuDimm(int number, long capacity, int? labelBytes, byte[]? labels = null) => new()
    {
        Id = 0,
        Uuid = TestAreas.Uuid(number),
        Capacity = new Bytes(capacity),
        LabelAreaBytes = labelBytes,
        LabelChunks = labels is null ? [] : TestAreas.From(labels).Chunks(),
        Handle = (uint)number + 1,
        SerialNumber = 0x123456 + (uint)number,
        VendorId = 0x8086,
    };

    private static void Plug(Bus bus, int number, long capacity, int? labelBytes, byte[]? labels = null) =>
        Assert.Null(bus.Plug(QemuDimm(number, capacity, labelBytes, labels)).Refusal);

    private static void Define(Bus bus, FakeMedia media, int dimm, long start)
    {
        var defined = bus.Define(new RegionDefinition { Mappings = [new MappingDefinition($"nmem{dimm}")], Start = new Spa(start) });
        Assert.Null(defined.Refusal);
        media.Run(bus, defined.Value.Steps);
    }

    /// <summary>What a command line asks for, with what the machine's DIMMs say of themselves: QEMU's nothing, nfit_test's its defaults.</summary>
    public static ListOptions Tell(Bus bus, Words words) => !bus.Provider.StartsWith("nfit_test", StringComparison.Ordinal) ? words.List() : words.List() with
    {
        Firmware = words.Has("-F") ? bus.Dimms.ToDictionary(dimm => dimm.Name, _ => new FirmwareListing(0)) : null,
        Health = words.Has("-H") ? bus.Dimms.ToDictionary(dimm => dimm.Name, _ => HealthListing.Of(SmartHealth.NfitTest, new SmartThresholds())) : null,
    };

    /// <summary>nfit_test makes two buses at once; the model is one.</summary>
    public static JsonNode? Only(Bus bus, JsonNode? list) => list is JsonArray { Count: 2 } buses && buses[0]!["provider"] is not null
        ? new JsonArray(buses.Single(one => (string?)one!["provider"] == bus.Provider)!.DeepClone()) : list;

    /// <summary>The machine that the first line of a recorded script names: <c># run.sh args: d0.img,1G+128K,label=128K</c>.</summary>
    private static Bus Recorded(string @case, FakeMedia media)
    {
        var line = System.Text.Encoding.UTF8.GetString(GoldenVectors.Bytes(@case + "/steps.sh")).Split('\n')[0];
        var dimm = line.Split(' ').Single(word => word.StartsWith("d0.img", StringComparison.Ordinal)).Split(',');
        var bus = Bus.Load(new BusSnapshot { Provider = "ACPI.NFIT" });
        Plug(bus, 0, (dimm[1][0] - '0') * Bytes.GiB, dimm[^1] == "label=128K" ? 128 << 10 : 2 << 20);
        Define(bus, media, 0, 0x100000000);
        return bus;
    }

    private static Bus ThreeDimms(FakeMedia media)
    {
        var bus = Bus.Load(new BusSnapshot { Provider = "ACPI.NFIT" });
        Plug(bus, 0, Bytes.GiB, 2 << 20);
        Plug(bus, 1, Bytes.GiB, 128 << 10);
        Plug(bus, 2, Bytes.GiB, null);
        Define(bus, media, 0, 0x100000000);
        Define(bus, media, 2, 0x180000000);
        Define(bus, media, 1, 0x140000000);
        return bus;
    }

    private static Bus Legacy(FakeMedia media)
    {
        var bus = Bus.Load(new BusSnapshot { Provider = "e820", DevicePath = "/platform/e820_pmem" });
        var defined = bus.Define(new RegionDefinition { Kind = RegionKind.Legacy, SizePerDimm = new Bytes(256 * Bytes.MiB), Start = new Spa(0x40000000) });
        media.Run(bus, defined.Value.Steps);
        return bus;
    }

    private static Bus NfitTest(FakeMedia media)
    {
        var bus = Bus.Load(new BusSnapshot { Provider = "nfit_test.0", Scrub = ScrubState.Idle });
        uint[] handles = [0, 1, 0x100, 0x101];
        uint[] serials = [0xffffffff, 0xfffffffe, 0xfffffeff, 0xfffffefe];
        for (var i = 0; i < 4; i++)
        {
            Assert.Null(bus.Plug(new DimmSnapshot
            {
                Id = 0,
                Uuid = TestAreas.Uuid(i),
                Capacity = new Bytes(32 * Bytes.MiB),
                LabelAreaBytes = 128 << 10,
                Handle = handles[i],
                PhysicalId = (ushort)i,
                SerialNumber = serials[i],
                VendorId = 0xabcd,
                ManufacturingDate = 0xe007,
                ManufacturingLocation = 0x0a,
                Security = "disabled",
            }).Refusal);
        }

        void Define(long start, long dpa, params ulong[] offsets)
        {
            var defined = bus.Define(new RegionDefinition
            {
                Mappings = offsets.Select((o, i) => new MappingDefinition($"nmem{i}", new Dpa(dpa), o)).ToImmutableArray(),
                SizePerDimm = new Bytes(16 * Bytes.MiB),
                Start = new Spa(start),
                PersistenceDomain = PersistenceDomain.MemoryController,
                HasFlushHints = true,
            });
            Assert.Null(defined.Refusal);
            media.Run(bus, defined.Value.Steps);
        }

        Define(0x100000000, 0, 1, 0x100);
        Define(0x108000000, 16 << 20, 1UL << 16, 1UL << 24, 1UL << 32, 1UL << 40);
        return bus;
    }
}
