using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Btt;
using PmemFleet.Nvdimm.Labels;
using PmemFleet.Nvdimm.Model;
using PmemFleet.Nvdimm.Primitives;
using PmemFleet.Nvdimm.Tests.Labels;

namespace PmemFleet.Nvdimm.Tests.Model;

/// <summary>
/// check-namespace and clear-errors over every state of a namespace, every mode and every kind of region. A row says the errno of the command, and what the
/// namespace is afterwards. Answers of the oracle: y_defaults C19 (check of what has no BTT), n_bttdmg (sector, raw by force, claimed and failed), a_n_nfit_test
/// (clear of raw, fsdax and disabled ones), y_lists C18 (system RAM; REST has it in <c>ToolCommandTests</c>); a mounted namespace is j_mounted.
/// </summary>
public class ToolMatrixTests
{
    private const string Name = "namespace0.0";
    private const long Size = 64 * Bytes.MiB;

    public static TheoryData<string, string, string, string, string> Rows => new()
    {
        // region, state, mode; check -f; clear-errors: errno, then mode and state
        { "labelled", "active", "raw", "ENXIO raw enabled", "ok raw enabled" },
        { "labelled", "active", "fsdax", "ENXIO fsdax enabled", "ok fsdax enabled" },
        { "labelled", "active", "devdax", "ENXIO devdax enabled", "ok devdax enabled" },
        { "labelled", "active", "sector", "ok sector enabled", "skip sector enabled" },
        { "labelled", "disabled", "raw", "ENXIO raw disabled", "ok raw enabled" },
        { "labelled", "disabled", "fsdax", "ENXIO raw disabled", "ok fsdax enabled" },
        { "labelled", "disabled", "devdax", "ENXIO raw disabled", "ok devdax enabled" },
        { "labelled", "disabled", "sector", "ok raw disabled", "ok sector enabled" },
        { "labelled", "seed", "raw", "ENXIO raw disabled", "ENXIO raw disabled" },
        { "labelled", "failed", "fsdax", "ENXIO raw disabled", "ENXIO fsdax disabled" },
        { "labelled", "failed", "sector", "ENXIO raw disabled", "skip sector disabled" },
        { "labelled", "forced", "fsdax", "ENXIO raw enabled", "ok raw enabled" },
        { "labelled", "forced", "devdax", "ENXIO raw enabled", "ok raw enabled" },
        { "labelled", "forced", "sector", "ok raw enabled", "ok raw enabled" },
        { "labelled", "mounted", "fsdax", "EBUSY fsdax enabled", "EBUSY fsdax enabled" },
        { "labelled", "mounted", "raw", "EBUSY raw enabled", "EBUSY raw enabled" },
        { "labelled", "mounted", "sector", "EBUSY sector enabled", "skip sector enabled" },
        { "label-less", "active", "raw", "ENXIO raw enabled", "ok raw enabled" },
        { "label-less", "active", "fsdax", "ENXIO fsdax enabled", "ok fsdax enabled" },
        { "label-less", "active", "sector", "ok sector enabled", "skip sector enabled" },
        { "label-less", "disabled", "devdax", "ENXIO raw disabled", "ok devdax enabled" },
        { "e820", "active", "native", "ENXIO fsdax enabled", "ok fsdax enabled" },
        { "e820", "active", "fsdax", "ENXIO fsdax enabled", "ok fsdax enabled" },
        { "e820", "active", "devdax", "ENXIO devdax enabled", "ok devdax enabled" },
        { "e820", "active", "sector", "ok sector enabled", "skip sector enabled" },
        { "e820", "disabled", "sector", "ok fsdax disabled", "ok sector enabled" },
        { "e820", "forced", "fsdax", "ENXIO raw enabled", "ok raw enabled" },
    };

    [Theory]
    [MemberData(nameof(Rows))]
    public void Check_OfEveryState_EndsAsOnLinux(string region, string state, string mode, string check, string clear)
    {
        Assert.NotNull(clear);
        var (bus, media) = Make(region, state, mode);

        Assert.Equal(check, Ended(bus, media, bus.CheckNamespace(Name, force: true, new BttCheckOptions()), () => media.Checked?.Failure));
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public void Clear_OfEveryState_EndsAsOnLinux(string region, string state, string mode, string check, string clear)
    {
        Assert.NotNull(check);
        var (bus, media) = Make(region, state, mode);
        var all = media.Of(bus.Regions.Single());
        all.Inject(32 * Bytes.MiB, 512, notify: true);

        Assert.Equal(clear, Ended(bus, media, bus.ClearErrors(Name), () => media.Cleared?.Refusal?.Errno));
        Assert.Equal(clear.StartsWith("ok ", StringComparison.Ordinal) ? 0 : 1, all.Known.Ranges.Count());
    }

    /// <summary>What is asked before anything is touched: the options first, then whether it is online. A refusal changes nothing.</summary>
    [Theory]
    [InlineData("active", "fsdax", false, true, Errno.EINVAL)]
    [InlineData("active", "fsdax", true, true, Errno.EINVAL)]
    [InlineData("disabled", "sector", false, true, Errno.EINVAL)]
    [InlineData("active", "fsdax", false, false, Errno.EBUSY)]
    [InlineData("active", "sector", false, false, Errno.EBUSY)]
    [InlineData("forced", "sector", false, false, Errno.EBUSY)]
    public void Check_RefusedBeforehand_ChangesNothing(string state, string mode, bool force, bool rewriteLog, Errno errno)
    {
        var (bus, _) = Make("labelled", state, mode);
        var before = System.Text.Json.JsonSerializer.Serialize(bus.Snapshot().Regions.Select(region => region.Namespaces));

        Assert.Equal(errno, bus.CheckNamespace(Name, force, new BttCheckOptions { RewriteLog = rewriteLog }).Refusal!.Errno);
        Assert.Equal(before, System.Text.Json.JsonSerializer.Serialize(bus.Snapshot().Regions.Select(region => region.Namespaces)));
    }

    [Fact]
    public void Commands_OfANamespaceThatIsNotThere_AreENODEV()
    {
        var (bus, _) = Make("labelled", "active", "raw");

        Assert.Equal(bus.DisableNamespace("namespace7.7").Refusal!.Errno, bus.ClearErrors("namespace7.7").Refusal!.Errno);
        Assert.Equal(bus.DisableNamespace("namespace7.7").Refusal!.Errno, bus.CheckNamespace("namespace7.7", true, new BttCheckOptions()).Refusal!.Errno);
    }

    /// <summary>The bind behind a clear that failed is made: the namespace is never left disabled.</summary>
    [Fact]
    public void Clear_ThatFallsShort_EnablesTheNamespace()
    {
        var (bus, media) = Make("labelled", "active", "fsdax");
        var all = media.Of(bus.Regions.Single());
        all.Inject(32 * Bytes.MiB, 512, notify: true);
        all.ClearLimit = -(long)Errno.EIO;

        Assert.Equal("ENXIO fsdax enabled", Ended(bus, media, bus.ClearErrors(Name), () => media.Cleared?.Refusal?.Errno));
        Assert.Single(all.Known.Ranges);
    }

    private static string Ended(Bus bus, ReplayMedia media, Outcome<NamespaceChange> outcome, Func<Errno?> found)
    {
        var errno = outcome.Refusal?.Errno;
        var skipped = false;
        if (outcome.TryGet(out var change, out _))
        {
            skipped = change.Steps.IsEmpty && change.Refusal is null;
            _ = media.Run(bus, change.Steps);
            errno = change.Refusal?.Errno ?? found();
        }

        var device = bus.FindNamespace(Name)!;
        return $"{(skipped ? "skip" : errno?.ToString() ?? "ok")} {NamespaceModes.Text(NamespaceModes.Of(device))} {(device.IsEnabled ? "enabled" : "disabled")}";
    }

    private static (Bus Bus, ReplayMedia Media) Make(string region, string state, string mode)
    {
        var media = new ReplayMedia();
        var bus = Bus.Load(new BusSnapshot { Provider = region == "e820" ? "e820" : "ACPI.NFIT", DevicePath = "/platform/x" });
        if (region != "e820")
        {
            Assert.Null(bus.Plug(GoldenHosts.QemuDimm(0, 2 * Size, 128 << 10)).Refusal);
        }

        media.Run(bus, bus.Define(region == "e820"
            ? new RegionDefinition { Kind = RegionKind.Legacy, SizePerDimm = new Bytes(2 * Size), Start = new Spa(0x1_0000_0000) }
            : new RegionDefinition { Mappings = [new MappingDefinition("nmem0")], Start = new Spa(0x1_0000_0000) }).Value.Steps);
        if (region == "labelled")
        {
            Assert.Null(bus.DisableRegion("region0").Refusal);
            Assert.Null(bus.InitLabels("nmem0", LabelVersion.V11, force: false).Refusal);
            media.Run(bus, bus.EnableRegion("region0").Value.Steps);
        }

        if (state == "seed")
        {
            return (bus, media);
        }

        if (mode != "native")
        {
            var options = new NamespaceOptions
            {
                Uuid = TestAreas.Uuid(1),
                PersonalityUuid = TestAreas.Uuid(2),
                Mode = NamespaceModes.Parse(mode),
                Size = region == "labelled" ? new SizeText(Size, 1) : null,
                AutoLabel = false,
                Force = true,
            };
            var made = region == "labelled" ? bus.CreateNamespace(options) : bus.ReconfigureNamespace(Name, options);
            Assert.Null(made.Refusal);
            Assert.Null(media.Run(bus, made.Value.Steps)?.Refusal);
        }

        switch (state)
        {
            case "disabled":
                media.Run(bus, bus.DisableNamespace(Name).Value.Steps);
                break;
            case "mounted":
                Assert.Null(bus.SetMounted(Name, true).Refusal);
                break;
            case "forced":
                media.Run(bus, bus.DisableNamespace(Name).Value.Steps);
                Assert.Null(bus.SetForceRaw(Name, true).Refusal);
                media.Run(bus, bus.EnableNamespace(Name).Value.Steps);
                break;
            case "failed":
                media.Run(bus, bus.DisableNamespace(Name).Value.Steps);
                var claim = new ConfiguredPersonality
                {
                    Kind = mode == "sector" ? PersonalityKind.Btt : PersonalityKind.Pfn,
                    Uuid = TestAreas.Uuid(2),
                    SectorSize = mode == "sector" ? new Bytes(4096) : null,
                };
                Assert.True(bus.EnableNamespace(Name).TryGet(out _, out _));
                Assert.NotNull(bus.Complete(Name, new BindOutcome.Failed { Refusal = new Refusal(Errno.ENOMEM, "held", "it does not start"), Claim = claim }).Refusal);
                break;
        }

        return (bus, media);
    }
}
