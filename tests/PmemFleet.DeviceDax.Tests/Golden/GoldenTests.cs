using System.Text.Json.Nodes;
using PmemFleet.DeviceDax.Primitives;
using Xunit.Abstractions;

namespace PmemFleet.DeviceDax.Tests.Golden;

/// <summary>Every recorded row of groups g and h against the engine; what can't be expressed is named with its reason and counted.</summary>
public sealed class GoldenTests(ITestOutputHelper output)
{
    // The recorded processes' bases, from the kernel's messages where they are printed, otherwise one that gives the
    // recorded number of tables before the first touch (address space randomisation).
    private const ulong Base2MMatrix = 0x7fc8_764e_d000;
    private const ulong Base1GMatrix = 0x7fd1_af78_d000;
    private const ulong Base4KMatrix = 0x7f7e_e0f5_5000;
    private const ulong BaseSpecial = 0x7fb5_14f0_0000;

    [Theory]
    [InlineData("4K", PageGranule.Pte, Base4KMatrix, 980)]
    [InlineData("2M", PageGranule.Pmd, Base2MMatrix, 1344)]
    [InlineData("1G", PageGranule.Pud, Base1GMatrix, 980)]
    [Trait("Row", "55")]
    [Trait("Row", "56")]
    [Trait("Row", "57")]
    [Trait("Row", "58")]
    [Trait("Row", "82")]
    [Trait("Row", "84")]
    [Trait("Row", "86")]
    [Trait("Row", "87")]
    public void Matrix_EveryRow_Agrees(string group, PageGranule granule, ulong mmapBase, int rows)
    {
        var recorded = GoldenRows.Read($"g_{group}.matrix");
        Assert.Equal(rows, recorded.Count);
        var test = new Daxtest(granule, mmapBase);
        test.Special(); // the recording ran it first; its write through /proc/self/mem dirtied the first page
        test.Start(mmapBase);
        // 4K: the recorded program's own tables were 32 KiB that time, 28 in every other run (randomised heap).
        var shift = (long)recorded.First(r => r.ContainsKey("vmpte0"))["vmpte0"]! - test.VmPte();
        var differences = new List<string>();
        foreach (var row in recorded)
        {
            var got = test.Matrix(row);
            foreach (var member in (string[])["vmpte0", "vmpte1"])
            {
                if (got[member] is { } value)
                {
                    got[member] = JsonNode.Parse($"{(long)value + shift}");
                }
            }

            // 2 GiB and more of private memory are refused by a machine that has 2 GiB of RAM, before the driver is asked; ours has enough
            var isBeyondRam = group == "1G" && (string)row["mmap"]! == "ENOMEM" && (string)got["mmap"]! == "EINVAL" && (string)row["flags"]! == "PRIVATE" && (string)row["prot"]! == "RW";
            differences.AddRange(GoldenRows.Differences(row, got, path => isBeyondRam && path == "mmap").Select(d => $"{row["open"]} {row["flags"]} {row["prot"]} {row["len"]}@{row["off"]}: {d}"));
        }

        output.WriteLine($"{group}: {recorded.Count} rows compared, {differences.Count} differences, VmPTE shifted by {shift} kB");
        Assert.True(differences.Count == 0, string.Join("\n", differences.Take(60)));
    }

    [Theory]
    [InlineData("4K", PageGranule.Pte)]
    [InlineData("2M", PageGranule.Pmd)]
    [InlineData("1G", PageGranule.Pud)]
    [Trait("Row", "92")]
    [Trait("Row", "67")]
    public void Special_EveryRow_Agrees(string group, PageGranule granule)
    {
        var test = new Daxtest(granule, BaseSpecial);
        test.Special();
        Compare(GoldenRows.Read($"g_{group}.special"), test.Rows, $"g_{group}.special", NotExpressible.Special);
    }

    [Theory]
    [InlineData("4K", PageGranule.Pte)]
    [InlineData("2M", PageGranule.Pmd)]
    [InlineData("1G", PageGranule.Pud)]
    [Trait("Row", "79")]
    public void Unbind_UpToTheKernelDefect_Agrees(string group, PageGranule granule)
    {
        var test = new Daxtest(granule, BaseSpecial);
        test.Unbind();
        Compare(GoldenRows.Read($"g_{group}.unbind"), test.Rows, $"g_{group}.unbind", NotExpressible.Unbind);
    }

    [Theory]
    [InlineData("g_4K.poison", PageGranule.Pte)]
    [InlineData("g_2M.poison", PageGranule.Pmd)]
    [InlineData("g_1G.poison", PageGranule.Pud)]
    [InlineData("h_4K.poison", PageGranule.Pte)]
    [InlineData("h_2M.poison", PageGranule.Pmd)]
    [InlineData("h_1G.poison", PageGranule.Pud)]
    public void Poison_EveryRow_Agrees(string name, PageGranule granule)
    {
        var test = new Daxtest(granule, BaseSpecial);
        if (name.StartsWith("h_", StringComparison.Ordinal))
        {
            // The recording injected a failure at a page nobody had mapped first.
            Assert.Equal(Errno.EBUSY, test.Machine.CorruptPage(new(test.DataStart + 0x5000)).Refusal!.Errno);
        }

        test.Poison();
        Compare(GoldenRows.Read(name), test.Rows, name, NotExpressible.None);
    }

    private void Compare(IReadOnlyList<JsonObject> recorded, List<JsonObject> got, string name, IReadOnlyDictionary<string, string> leftOut)
    {
        var differences = new List<string>();
        var used = new HashSet<string>();
        var next = 0;
        foreach (var row in recorded)
        {
            var key = $"{name}/{row["name"]}" + (row["advice"] is { } advice ? $"/{advice}" : string.Empty);
            bool IsLeftOut(string path)
            {
                var found = leftOut.ContainsKey($"{key}:{path}") ? $"{key}:{path}" : leftOut.ContainsKey($"*/{row["name"]}:{path}") ? $"*/{row["name"]}:{path}" : null;
                if (found is not null)
                {
                    used.Add(found);
                }

                return found is not null;
            }

            if (IsLeftOut("row"))
            {
                continue;
            }

            while (next < got.Count && (string)got[next]["name"]! != (string)row["name"]!)
            {
                next++;
            }

            if (next == got.Count)
            {
                differences.Add($"{key}: no such row of ours");
                break;
            }

            differences.AddRange(GoldenRows.Differences(row, got[next++], IsLeftOut).Select(d => $"{key}: {d}"));
        }

        output.WriteLine($"{name}: {recorded.Count} rows compared, {differences.Count} differences; not expressible:");
        foreach (var reason in used.Order())
        {
            output.WriteLine($"  {reason}: {leftOut[reason]}");
        }

        Assert.True(differences.Count == 0, string.Join("\n", differences.Take(60)));
    }
}
