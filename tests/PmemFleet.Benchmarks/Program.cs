using System.CommandLine;
using PmemFleet.Benchmarks.Harness;

var groupArgument = new Argument<string>("group") { Description = "Which figures: model, faults, errors, control-plane or all." };
groupArgument.AcceptOnlyFromAmong([.. BenchmarkGroups.All.Select(g => g.Name), "all"]);
var jsonOption = new Option<bool>("--json") { Description = "Print one JSON document instead of lines." };
var root = new RootCommand("Measures PmemFleet. The exit code is 0 when it measured, whatever it found.") { groupArgument, jsonOption };
root.SetAction(async (parsed, token) =>
{
    var wanted = parsed.GetValue(groupArgument)!;
    var groups = BenchmarkGroups.All.Where(g => wanted == "all" || g.Name == wanted).ToList();
    var missing = groups.Where(g => !g.IsWritten).Select(g => g.Name).ToList();
    foreach (var name in missing)
    {
        await Console.Error.WriteLineAsync($"group {name}: not yet measured");
    }

    if (missing.Count == groups.Count)
    {
        return 2;
    }

    var figures = new List<Figure>();
    foreach (var group in groups.Where(g => g.IsWritten))
    {
        figures.AddRange(await group.MeasureAsync(line => Console.Error.WriteLine($"{group.Name}: {line}"), token));
    }

    var report = new BenchmarkReport(wanted, MeasuredMachine.Here(), figures) { NotYetMeasured = missing.Count > 0 ? missing : null };
    foreach (var line in parsed.GetValue(jsonOption) ? [report.ToJson()] : report.ToLines())
    {
        Console.WriteLine(line);
    }

    return missing.Count > 0 ? 2 : 0;
});
return await root.Parse(args).InvokeAsync();
