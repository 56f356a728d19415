using System.Globalization;
using System.Text.RegularExpressions;

namespace PmemFleet.Lab.Tests.Repository;

/// <summary>docs/fidelity.md says of each of the 96 rows which test proves it, and says the truth.</summary>
public sealed partial class FidelityTests
{
    private const int RowCount = 96;
    private const string Open = "**open**";

    private static readonly string DocumentPath = Path.Combine(Checkout.Root, "docs", "fidelity.md");

    [Fact]
    public void Fidelity_EveryRow_NamesExactlyTheTestsThatCarryIt()
    {
        var proofs = TestsByRow();
        if (Environment.GetEnvironmentVariable("PMEMFLEET_UPDATE_FIDELITY") == "1")
        {
            File.WriteAllLines(DocumentPath, File.ReadAllLines(DocumentPath).Select(line => Rewrite(line, proofs)));
        }

        var rows = File.ReadLines(DocumentPath).Select(line => TableRow().Match(line)).Where(match => match.Success).ToList();

        Assert.Equal(Enumerable.Range(1, RowCount), rows.Select(Number));
        Assert.All(rows, row => Assert.Equal(Cell(proofs, Number(row)), row.Groups["tests"].Value));
    }

    /// <summary>What a kernel text calls "various cleanups" are rows of their own; what it put off to a later release is not put off here: no row is open.</summary>
    [Fact]
    [Trait("Row", "30")]
    [Trait("Row", "46")]
    public void Fidelity_NoRow_IsOpen() =>
        Assert.Empty(Enumerable.Range(1, RowCount).Except(TestsByRow().Keys));

    /// <summary>"Build success, unit tests pass": CI restores locked, checks the format, and runs every test project of the solution.</summary>
    [Fact]
    [Trait("Row", "45")]
    public void Ci_RunsEveryTestProjectAndTheDemo()
    {
        var ci = Checkout.Text(".ci/run");
        Assert.All(["dotnet restore", "dotnet format --verify-no-changes", "dotnet test", "-- demo"], step => Assert.Contains(step, ci, StringComparison.Ordinal));
        var solution = Checkout.Text("PmemFleet.sln");
        Assert.All(Checkout.Projects(), project => Assert.Contains(Path.GetFileName(project), solution, StringComparison.Ordinal));
    }

    [Fact]
    public void Fidelity_NoTestCarriesARowThatDoesNotExist() =>
        Assert.All(TestsByRow().Keys, row => Assert.InRange(row, 1, RowCount));

    private static int Number(Match row) => int.Parse(row.Groups["row"].Value, CultureInfo.InvariantCulture);

    private static string Rewrite(string line, Dictionary<int, SortedSet<string>> proofs)
    {
        var match = TableRow().Match(line);
        return match.Success ? $"{match.Groups["head"].Value}{Cell(proofs, Number(match))} |" : line;
    }

    private static string Cell(Dictionary<int, SortedSet<string>> proofs, int row) =>
        proofs.TryGetValue(row, out var tests) ? string.Join(", ", tests.Select(test => $"`{test}`")) : Open;

    private static Dictionary<int, SortedSet<string>> TestsByRow()
    {
        var proofs = new Dictionary<int, SortedSet<string>>();
        foreach (var path in Directory.EnumerateFiles(Path.Combine(Checkout.Root, "tests"), "*.cs", SearchOption.AllDirectories))
        {
            var pending = new List<int>();
            var type = Path.GetFileNameWithoutExtension(path);
            foreach (var line in File.ReadLines(path))
            {
                pending.AddRange(RowTrait().Matches(line).Select(m => int.Parse(m.Groups[1].ValueSpan, CultureInfo.InvariantCulture)));
                if (TypeDeclaration().Match(line) is { Success: true } declaration)
                {
                    type = declaration.Groups[1].Value;
                    Add(proofs, pending, type);
                }
                else if (MethodDeclaration().Match(line) is { Success: true } method)
                {
                    Add(proofs, pending, $"{type}.{method.Groups[1].Value}");
                }
            }
        }

        return proofs;
    }

    private static void Add(Dictionary<int, SortedSet<string>> proofs, List<int> rows, string test)
    {
        foreach (var row in rows)
        {
            if (!proofs.TryGetValue(row, out var tests))
            {
                proofs[row] = tests = new SortedSet<string>(StringComparer.Ordinal);
            }

            tests.Add(test);
        }

        rows.Clear();
    }

    [GeneratedRegex(@"^(?<head>\| (?<row>\d+) \| [A-Z] \| .* \| )(?<tests>[^|]*) \|$")]
    private static partial Regex TableRow();

    [GeneratedRegex("Trait\\(\"Row\", \"(\\d+)\"\\)")]
    private static partial Regex RowTrait();

    [GeneratedRegex(@"^\s*public\s+(?:async\s+)?(?:static\s+)?[\w<>\[\]?]+\s+(\w+)\(")]
    private static partial Regex MethodDeclaration();

    [GeneratedRegex(@"^\s*(?:public|internal)\s+(?:sealed\s+|static\s+|abstract\s+|partial\s+)*class\s+(\w+)")]
    private static partial Regex TypeDeclaration();
}
