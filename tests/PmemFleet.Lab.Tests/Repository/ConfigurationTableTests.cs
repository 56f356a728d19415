using System.Globalization;
using PmemFleet.Api.Hosting;
using PmemFleet.Worker;

namespace PmemFleet.Lab.Tests.Repository;

/// <summary>The tables of docs/operations.md are the programs' own: every key, its default, and whether it is a secret.</summary>
public sealed class ConfigurationTableTests
{
    private static readonly Dictionary<string, object> Options = new(StringComparer.OrdinalIgnoreCase)
    {
        ["DATABASE"] = new DatabaseOptions(),
        ["AUTH"] = new AuthOptions(),
        ["WORKERS"] = new WorkersOptions(),
        ["RETENTION"] = new RetentionOptions(),
        ["API"] = new ApiOptions(),
    };

    [Fact]
    public void Table_OfTheApi_HasEveryKeyWithItsDefault() => Assert.Equal(
        FleetConfiguration.Known.Select(key => $"{Name(key.Key)} | {Default(key.Key)} | {(key.Value ? "yes" : "")}").Order(StringComparer.Ordinal),
        Rows().Where(row => !row.StartsWith("PMEMFLEET__WORKER__", StringComparison.Ordinal)).Order(StringComparer.Ordinal));

    [Fact]
    public void Table_OfTheWorker_HasEveryKeyWithItsDefault() => Assert.Equal(
        WorkerHost.Variables.Select(option => $"{option.Key} | {(option.Key.EndsWith("__NAME", StringComparison.Ordinal) ? "the machine's name" : Text(option.Value))} | {(option.Key.EndsWith("TOKEN", StringComparison.Ordinal) ? "yes" : "")}").Order(StringComparer.Ordinal),
        Rows().Where(row => row.StartsWith("PMEMFLEET__WORKER__", StringComparison.Ordinal)).Order(StringComparer.Ordinal));

    /// <summary>The first three columns of each row of a configuration table.</summary>
    private static IEnumerable<string> Rows() => Checkout.Text("docs/operations.md").Split('\n')
        .Where(line => line.StartsWith("| `PMEMFLEET__", StringComparison.Ordinal))
        .Select(line => string.Join(" | ", line.Split('|').Skip(1).Take(3).Select(cell => cell.Trim().Trim('`'))));

    private static string Name(string key) => $"{FleetConfiguration.Section}__{key.Replace(":", "__", StringComparison.Ordinal)}";

    private static string Default(string key)
    {
        var parts = key.Split(':');
        var owner = parts[1..^1].Aggregate(Options[parts[0]], (at, part) => Read(at, part)!);
        return Text(Read(owner, parts[^1]));
    }

    private static object? Read(object owner, string name) =>
        owner.GetType().GetProperties().Single(property => property.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).GetValue(owner);

    private static string Text(object? value) => value is null ? "–" : Convert.ToString(value, CultureInfo.InvariantCulture)!;
}
