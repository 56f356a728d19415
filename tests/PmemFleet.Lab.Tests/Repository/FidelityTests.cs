using System.Globalization;
using System.Text.RegularExpressions;

namespace PmemFleet.Lab.Tests.Repository;

/// <summary>
/// docs/fidelity.md says of each of the 96 rows which tests prove it in the model and which through the running product, and says the
/// truth. A test is a test of the running product where its class has a worker process: that is read from the source, so no trait can claim it.
/// </summary>
public sealed partial class FidelityTests
{
    private const int RowCount = 96;
    private const string Open = "**open**";
    private const string NoFileSystem = "REST offers no file system to map files of";

    /// <summary>Why no user of the running product can observe a row. A row has a test of the running product, or stands here.</summary>
    private static readonly Dictionary<int, string> NotObservable = new()
    {
        [2] = NoFileSystem,
        [11] = "a handler that is not registered has no effect",
        [13] = "the shape of a function",
        [15] = "the shape of a function",
        [17] = NoFileSystem,
        [29] = "REST makes dax regions of namespaces only",
        [30] = "a heading: rows 31 to 42",
        [32] = "an assertion on the program's own locks",
        [44] = "no counters of block devices over REST",
        [45] = "the build",
        [46] = "nothing was asked for",
        [62] = "the order of steps inside one disable",
        [73] = "a counter inside the program",
        [74] = "a callback inside the program",
        [75] = "names inside the program",
        [76] = "the public surface of a library",
        [77] = "a failure of memory that no request can cause",
        [81] = "REST makes devices with struct pages only, as ndctl does",
        [91] = "REST makes devices with struct pages only, as ndctl does",
    };

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

    [Fact]
    public void Fidelity_EveryRow_IsProvedThroughTheRunningProductOrCannotBeObserved()
    {
        var proved = TestsByRow().Where(row => row.Value.Any(test => test.IsOfProduct)).Select(row => row.Key).ToHashSet();
        Assert.Equal([], Enumerable.Range(1, RowCount).Where(row => !proved.Contains(row) && !NotObservable.ContainsKey(row)).ToList());
        Assert.DoesNotContain(NotObservable.Keys, proved.Contains);
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

    private static string Rewrite(string line, Dictionary<int, SortedSet<Proof>> proofs)
    {
        var match = TableRow().Match(line);
        return match.Success ? $"{match.Groups["head"].Value}{Cell(proofs, Number(match))} |" : line;
    }

    /// <summary>Both columns.</summary>
    private static string Cell(Dictionary<int, SortedSet<Proof>> proofs, int row)
    {
        var tests = proofs.GetValueOrDefault(row) ?? [];
        var model = tests.Where(test => !test.IsOfProduct).ToList();
        var product = tests.Where(test => test.IsOfProduct).ToList();
        return $"{(model.Count > 0 ? Names(model) : product.Count > 0 ? "–" : Open)} | {(product.Count > 0 ? Names(product) : NotObservable.GetValueOrDefault(row, Open))}";
    }

    private static string Names(List<Proof> tests) => string.Join(", ", tests.Select(test => $"`{test.Name}`"));

    private static Dictionary<int, SortedSet<Proof>> TestsByRow()
    {
        var proofs = new Dictionary<int, SortedSet<Proof>>();
        foreach (var path in Directory.EnumerateFiles(Path.Combine(Checkout.Root, "tests"), "*.cs", SearchOption.AllDirectories))
        {
            var pending = new List<int>();
            var type = Path.GetFileNameWithoutExtension(path);
            var isOfProduct = RunningProduct().IsMatch(File.ReadAllText(path));
            foreach (var line in File.ReadLines(path))
            {
                pending.AddRange(RowTrait().Matches(line).Select(m => int.Parse(m.Groups[1].ValueSpan, CultureInfo.InvariantCulture)));
                if (TypeDeclaration().Match(line) is { Success: true } declaration)
                {
                    type = declaration.Groups[1].Value;
                    Add(proofs, pending, new Proof(type, isOfProduct));
                }
                else if (MethodDeclaration().Match(line) is { Success: true } method)
                {
                    Add(proofs, pending, new Proof($"{type}.{method.Groups[1].Value}", isOfProduct));
                }
            }
        }

        return proofs;
    }

    private static void Add(Dictionary<int, SortedSet<Proof>> proofs, List<int> rows, Proof test)
    {
        foreach (var row in rows)
        {
            if (!proofs.TryGetValue(row, out var tests))
            {
                proofs[row] = tests = new SortedSet<Proof>(Comparer<Proof>.Create((one, other) => string.CompareOrdinal(one.Name, other.Name)));
            }

            tests.Add(test);
        }

        rows.Clear();
    }

    [GeneratedRegex(@"^(?<head>\| (?<row>\d+) \| [A-Z] \| [^|]* \| )(?<tests>[^|]* \| [^|]*) \|$")]
    private static partial Regex TableRow();

    [GeneratedRegex("Trait\\(\"Row\", \"(\\d+)\"\\)")]
    private static partial Regex RowTrait();

    [GeneratedRegex(@"^\s*public\s+(?:async\s+)?(?:static\s+)?[\w<>\[\]?]+\s+(\w+)\(")]
    private static partial Regex MethodDeclaration();

    [GeneratedRegex(@"^\s*(?:public|internal)\s+(?:sealed\s+|static\s+|abstract\s+|partial\s+)*class\s+(\w+)")]
    private static partial Regex TypeDeclaration();

    /// <summary>The product's own worker as a process, with an Api and a PostgreSQL: the fixture of Api.Tests, or a lab.</summary>
    [GeneratedRegex(@"RealWorkerFixture fixture\)|await using var lab = await Hosting\.Lab\.StartAsync")]
    private static partial Regex RunningProduct();

    /// <param name="Name">Class and method.</param>
    /// <param name="IsOfProduct">It runs the product.</param>
    private sealed record Proof(string Name, bool IsOfProduct);
}
