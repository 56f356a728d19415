using System.Text.RegularExpressions;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.Tests.Golden;

/// <summary>The kernel's lines of the recordings against the machine's log; Linux drops lines past ten in five seconds.</summary>
public sealed partial class KernelLogTests
{
    [Fact]
    [Trait("Row", "86")]
    public void Matrix_2M_LogsTheRecordedLines_AddressesAndAll()
    {
        var test = new Daxtest(PageGranule.Pmd, 0x7fc8_764e_d000);
        foreach (var row in GoldenRows.Read("g_2M.matrix"))
        {
            test.Matrix(row);
        }

        Assert.Equal(Recorded("g_2M.matrix")[..3], test.Machine.KernelLog.Take(3));
        Assert.Contains(Recorded("g_2M.matrix")[3], test.Machine.KernelLog);
    }

    [Theory]
    [InlineData("g_2M.special", PageGranule.Pmd)]
    [InlineData("g_1G.special", PageGranule.Pud)]
    [InlineData("g_4K.matrix", PageGranule.Pte)]
    public void Lines_AreTheRecordedOnes_BesideAddresses(string name, PageGranule granule)
    {
        var test = new Daxtest(granule, 0x7fb5_14f0_0000);
        if (name == "g_4K.matrix")
        {
            foreach (var row in GoldenRows.Read(name))
            {
                test.Matrix(row);
            }
        }
        else
        {
            test.Special();
        }

        var ours = test.Machine.KernelLog.Select(Masked).ToHashSet();
        Assert.All(Recorded(name).Where(line => !line.StartsWith("__vm_enough_memory", StringComparison.Ordinal)).Select(Masked), line => Assert.Contains(line, ours));
    }

    [Fact]
    public void Poison_LogsTheRecordedLines()
    {
        var test = new Daxtest(PageGranule.Pmd, 0x7fb5_14f0_0000);
        test.Poison();
        Assert.Equal(GoldenRows.Lines("h_2M.poison.dmesg.gz").Select(Masked), test.Machine.KernelLog.Select(Masked));
    }

    private static List<string> Recorded(string name) =>
        [.. GoldenRows.Lines($"{name}.dmesg.gz").Where(l => l.Length > 0).Select(l => Timestamp().Replace(l, string.Empty))];

    private static string Masked(string line) => BadEntry().Replace(Numbers().Replace(line, "N").Replace("daxtest3", "daxtest", StringComparison.Ordinal), "$1");

    [GeneratedRegex(@"^\[ *[0-9.]+\] ")]
    private static partial Regex Timestamp();

    [GeneratedRegex(@"0x[57][0-9a-f]{11}|:[0-9]{3}(?= due)")]
    private static partial Regex Numbers();

    [GeneratedRegex(@"(bad p[mu]d) .*")]
    private static partial Regex BadEntry();
}
