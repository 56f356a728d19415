using System.Text.Json.Nodes;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Btt;
using PmemFleet.Nvdimm.InfoBlocks;
using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Primitives;
using PmemFleet.Nvdimm.Tests.Labels;

namespace PmemFleet.Nvdimm.Tests.Btt;

/// <summary>Damaged BTTs: what a boot makes of them, what a check says, what a repair leaves, what a write does then (recorded cases f_btt_*).</summary>
public sealed class BttDamageTests
{
    public static TheoryData<string> Cases =>
        [.. GoldenVectors.Cases("f_btt_").Where(name => name is not ("f_btt_write" or "f_btt_info_lbasize"))];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Bind_DamagedMedia_ComesUpAsLinuxDid(string @case)
    {
        var media = Damaged(@case);
        var outcome = NamespaceBinder.Bind(GoldenArena.Plan(), media);

        Assert.Equal(ListedAs(GoldenVectors.Snapshot(@case, "booted")), DescribedAs(outcome));
        GoldenArena.AssertEquals(media, @case, "a_after_boot");
        if (outcome is BindOutcome.Failed failed)
        {
            Assert.Equal((Errno.ENOMEM, PersonalityKind.Btt), (failed.Refusal.Errno, failed.Claimed));
            Assert.Equal(KernelLines(@case), failed.Messages);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Read_DamagedMedia_GivesWhatLinuxRead(string @case)
    {
        var media = Damaged(@case);
        var command = GoldenVectors.Events(@case).First(e => ((string?)e!["cmd"])?.StartsWith("for i in 0 1 2", StringComparison.Ordinal) == true)!;
        var recorded = ((string)command["stdout"]!).Split('\n').Where(line => !line.Contains("copied", StringComparison.Ordinal)).Select(Recorded).ToArray();
        if (NamespaceBinder.Bind(GoldenArena.Plan(), media) is not BindOutcome.Btt)
        {
            Assert.All(recorded, result => Assert.Equal("no device", result));
            return;
        }

        var device = Open(media);
        Assert.Equal(recorded, ((int[])[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 100]).Select(sector => Read(device, sector)));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Check_DamagedMedia_SaysWhatNdctlSaid(string @case)
    {
        var media = Damaged(@case);
        var recorded = GoldenVectors.Command(@case, "ndctl check-namespace namespace0.0");

        var result = BttCheck.Examine(media, GoldenArena.Parent, new BttCheckOptions());

        Assert.Equal(GoldenArena.Errno(recorded), result.Failure);
        Assert.Equal(GoldenArena.Lines(recorded), result.Messages);
        GoldenArena.AssertEquals(media, @case, "a_after_boot");
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Repair_DamagedMedia_LeavesWhatNdctlLeft(string @case)
    {
        var media = Damaged(@case);
        var recorded = GoldenVectors.Command(@case, "ndctl check-namespace -R namespace0.0");

        var result = BttCheck.Examine(media, GoldenArena.Parent, new BttCheckOptions { Repair = true });

        Assert.Equal(GoldenArena.Errno(recorded), result.Failure);
        Assert.Equal(GoldenArena.Lines(recorded), result.Messages);
        GoldenArena.AssertEquals(media, @case, "b_after_repair");
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Write_AfterRepair_LeavesWhatLinuxLeft(string @case)
    {
        var media = Damaged(@case);
        BttCheck.Examine(media, GoldenArena.Parent, new BttCheckOptions { Repair = true });
        var enabled = GoldenVectors.Events(@case).Last(e => (string?)e!["cmd"] == "ndctl enable-namespace namespace0.0")!;
        var outcome = NamespaceBinder.Bind(GoldenArena.Plan(), media);

        Assert.Equal(GoldenArena.Errno(enabled) is null, outcome is not BindOutcome.Failed);
        if (outcome is BindOutcome.Btt)
        {
            var write = GoldenVectors.Events(@case).Last(e => ((string?)e!["cmd"])?.StartsWith("head -c 4096", StringComparison.Ordinal) == true)!;
            var failed = write["dmesg"] is JsonArray lines && lines.Any(line => ((string)line!).Contains("io error in WRITE", StringComparison.Ordinal));
            var lane = GoldenArena.LaneBetween(GoldenArena.Dump(@case, "b_after_repair", "flog"), GoldenArena.Dump(@case, "c_after_write", "flog"));
            Assert.Equal(failed ? Errno.EIO : null, Open(media).Write(0, Enumerable.Repeat((byte)'Z', 4096).ToArray(), lane ?? 0));
        }

        GoldenArena.AssertEquals(media, @case, "c_after_write");
    }

    [Fact]
    public void Bind_SectorSizeThatOopsesLinux_IsRefusedAndFlagged()
    {
        var media = GoldenArena.Undamaged();
        var block = GoldenArena.Read(media, "info");
        BitConverter.TryWriteBytes(block.AsSpan(56), 8192);
        BitConverter.TryWriteBytes(block.AsSpan(4088), Fletcher64.ComputeSkipping(block, 4088));
        Assert.Empty(InfoBlockHazards.Find(media));

        media.Write(4096, block);

        Assert.IsType<BindOutcome.Failed>(NamespaceBinder.Bind(GoldenArena.Plan(), media));
        Assert.Equal([(4096L, "btt-sector-size")], InfoBlockHazards.Find(media).Select(hazard => (hazard.Offset, hazard.Rule)));
    }

    [Fact]
    public void Write_LaneWhoseFreeBlockIsOutOfBounds_IsAnError()
    {
        var media = Damaged("f_btt_flog_oob");

        Assert.Equal(Errno.EIO, Open(media).Write(0, new byte[4096], cpu: 0));
        Assert.Null(Open(media).Write(0, new byte[4096], cpu: 1));
    }

    internal static MemoryMedia Damaged(string @case)
    {
        var media = GoldenArena.Undamaged();
        GoldenArena.Put(media, @case, "a_after_boot");
        if (@case == "f_btt_info_both_zero")
        {
            media.Zero(GoldenArena.Parts.Single(part => part.Name == "info2").Offset, 4096);
        }

        return media;
    }

    private static BttDevice Open(MemoryMedia media) => BttDevice.Open(media, GoldenArena.Base, GoldenArena.Parent, readOnly: false).Value;

    private static string ListedAs(JsonNode snapshot)
    {
        var listed = snapshot["ndctl_list_Nu"];
        listed = listed is JsonArray array ? array.FirstOrDefault() : listed;
        return (string?)listed?["mode"] ?? "disabled";
    }

    private static string DescribedAs(BindOutcome outcome) => outcome switch
    {
        BindOutcome.Raw => "raw",
        BindOutcome.Btt => "sector",
        _ => "disabled",
    };

    private static string[] KernelLines(string @case)
    {
        var lines = JsonNode.Parse(GoldenVectors.Bytes(@case + "/expected.json"))!["boot_dmesg"]!.AsArray().Select(line => (string)line!)
            .Where(line => line.StartsWith("nd_pmem btt0.1: ", StringComparison.Ordinal)).Select(line => line["nd_pmem btt0.1: ".Length..]).ToArray();

        // the boot probes twice
        return lines[..(lines.Length / 2)];
    }

    private static string Recorded(string line) =>
        line.Contains("Input/output error", StringComparison.Ordinal) ? "EIO"
        : line.Contains("No such file", StringComparison.Ordinal) ? "no device"
        : line.Trim()[..1] is "\\" ? "\0"
        : line.Trim()[..1];

    private static string Read(BttDevice device, int sector)
    {
        var data = new byte[4096];
        return device.Read(sector * 4096L, data) is { } errno ? errno.ToString() : $"{(char)data.Distinct().Single()}";
    }
}
