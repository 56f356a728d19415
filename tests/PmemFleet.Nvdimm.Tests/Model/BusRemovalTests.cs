using CsCheck;
using PmemFleet.Nvdimm.Labels;
using PmemFleet.Nvdimm.Model;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Tests.Model;

public class BusRemovalTests
{
    private readonly FakeMedia _media = new();

    [Fact]
    public void Undefine_Enabled_IsBusyAndTellsOfItsNamespaces()
    {
        var bus = BusPropertyTests.Host(_media, 2, LabelVersion.V12);
        BusPropertyTests.Create(bus, _media, 1, NamespaceMode.Raw, 64 << 20);

        var refusal = bus.Undefine("region0").Refusal!;

        Assert.Equal((Errno.EBUSY, "region-enabled", "1"), (refusal.Errno, refusal.Rule, refusal.Numbers["enabledNamespaces"]));
        Assert.NotNull(bus.FindNamespace("namespace0.0"));
    }

    [Fact]
    public void Undefine_Disabled_LeavesTheLabelsForTheSameRegionAgain()
    {
        var bus = BusPropertyTests.Host(_media, 2, LabelVersion.V12);
        BusPropertyTests.Create(bus, _media, 1, NamespaceMode.Raw, 64 << 20);
        Assert.Null(bus.DisableRegion("region0").Refusal);

        Assert.Null(bus.Undefine("region0").Refusal);
        Assert.Empty(bus.Regions);
        var again = bus.Define(new RegionDefinition { Mappings = [new MappingDefinition("nmem0"), new MappingDefinition("nmem1")] });

        _media.Run(bus, again.Value.Steps);
        Assert.Equal(("region0", 64 << 20), (again.Value.Region.Name, bus.FindNamespace("namespace0.0")!.Size));
    }

    [Fact]
    public void Unplug_OfARegion_IsBusyUntilTheRegionIsGone()
    {
        var bus = BusPropertyTests.Host(_media, 2, LabelVersion.V11);

        Assert.Equal((Errno.EBUSY, "dimm-in-region"), (bus.Unplug("nmem1").Refusal!.Errno, bus.Unplug("nmem1").Refusal!.Rule));
        Assert.Null(bus.DisableRegion("region0").Refusal);
        Assert.Equal("dimm-in-region", bus.Unplug("nmem1").Refusal!.Rule);
        Assert.Null(bus.Undefine("region0").Refusal);
        Assert.Null(bus.Unplug("nmem0").Refusal);
        Assert.Equal(["nmem1"], bus.Dimms.Select(dimm => dimm.Name));
        Assert.Equal("nmem0", bus.Plug(GoldenHosts.QemuDimm(5, 512 << 20, 128 << 10)).Value.Name);
    }

    [Fact]
    public void Removal_OfWhatIsNotThere_IsEnxio()
    {
        var bus = BusPropertyTests.Host(_media, 1, LabelVersion.V11);

        Assert.Equal(Errno.ENXIO, bus.Undefine("region1").Refusal!.Errno);
        Assert.Equal(Errno.ENXIO, bus.Unplug("nmem1").Refusal!.Errno);
    }

    /// <summary>Against a naive model: which slots are taken, and which of them each region is made of and whether it is enabled.</summary>
    [Fact]
    public void AnyTopology_OfOneToSixteenWays_IsWhatANaiveModelSays() =>
        Gen.Select(Gen.Int[0, 5], Gen.Int[0, 31], Gen.Int[1, 16]).List[20, 120].Sample(commands =>
        {
            var media = new FakeMedia();
            var bus = Bus.Load(new BusSnapshot { Provider = "ACPI.NFIT" });
            var dimms = new SortedSet<int>();
            var regions = new SortedDictionary<int, (int[] Dimms, bool IsEnabled)>();
            var serial = 0;
            foreach (var (what, which, ways) in commands)
            {
                switch (what)
                {
                    case <= 1 when dimms.Count < 32:
                        var slot = Enumerable.Range(0, 33).First(free => !dimms.Contains(free));
                        Assert.Equal($"nmem{slot}", bus.Plug(GoldenHosts.QemuDimm(++serial, 64 << 20, 128 << 10)).Value.Name);
                        dimms.Add(slot);
                        break;
                    case 2:
                        int[] idle = [.. dimms.Where(one => !regions.Values.Any(region => region.Dimms.Contains(one))).Take(ways)];
                        if (idle.Length > 0)
                        {
                            var defined = bus.Define(new RegionDefinition { Mappings = [.. idle.Select(one => new MappingDefinition($"nmem{one}"))] });
                            Assert.Null(defined.Refusal);
                            media.Run(bus, defined.Value.Steps);
                            var number = Enumerable.Range(0, 33).First(free => !regions.ContainsKey(free));
                            Assert.Equal($"region{number}", defined.Value.Region.Name);
                            regions[number] = (idle, true);
                        }

                        break;
                    case 3 when regions.TryGetValue(which % 8, out var region):
                        var name = $"region{which % 8}";
                        media.Run(bus, (region.IsEnabled ? bus.DisableRegion(name) : bus.EnableRegion(name)).Value.Steps);
                        regions[which % 8] = region with { IsEnabled = !region.IsEnabled };
                        break;
                    case 4:
                        var gone = regions.TryGetValue(which % 8, out var had);
                        Assert.Equal(!gone ? Errno.ENXIO : had.IsEnabled ? Errno.EBUSY : null, bus.Undefine($"region{which % 8}").Refusal?.Errno);
                        if (gone && !had.IsEnabled)
                        {
                            regions.Remove(which % 8);
                        }

                        break;
                    default:
                        var used = regions.Values.Any(one => one.Dimms.Contains(which));
                        Assert.Equal(!dimms.Contains(which) ? Errno.ENXIO : used ? Errno.EBUSY : null, bus.Unplug($"nmem{which}").Refusal?.Errno);
                        if (!used)
                        {
                            dimms.Remove(which);
                        }

                        break;
                }

                bus = Bus.Load(bus.Snapshot());
                Assert.Equal(dimms, bus.Dimms.Select(dimm => dimm.Id));
                Assert.Equal(
                    regions.Select(region => $"{region.Key} {string.Join(',', region.Value.Dimms)} {region.Value.IsEnabled}"),
                    bus.Regions.Select(region => $"{region.Id} {string.Join(',', region.Mappings.Select(mapping => mapping.Dimm.Id))} {region.Enabled}"));
            }
        }, iter: 60);
}
