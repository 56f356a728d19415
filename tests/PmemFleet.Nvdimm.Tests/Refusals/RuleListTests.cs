using System.Text.RegularExpressions;

namespace PmemFleet.Nvdimm.Tests.Refusals;

/// <summary>A new refusal has to be provoked in <see cref="LegalValueTests"/>, or say in <see cref="RuleLists"/> why no value is legal.</summary>
public partial class RuleListTests
{
    [Fact]
    public void EveryRuleOfTheSources_IsProvokedOrSaysWhyNothingIsLegal()
    {
        var provoked = LegalValueTests.Cases.Select(row => (string)row[0]).ToHashSet();
        var inSources = Sources().SelectMany(Rules).ToHashSet();

        Assert.True(inSources.Count > 100);
        Assert.Empty(provoked.Intersect(RuleLists.WithoutLegalValue.Keys));
        Assert.Equal(inSources.Order(StringComparer.Ordinal), provoked.Union(RuleLists.WithoutLegalValue.Keys).Order(StringComparer.Ordinal));
    }

    private static IEnumerable<string> Rules(string file)
    {
        var text = File.ReadAllText(file);
        var prefix = file.EndsWith("PagesValidation.cs", StringComparison.Ordinal) ? "info-block-" : "";
        return Made().Matches(text).Select(match => match.Groups[1].Value)
            .Concat(Passed().Matches(text).Select(match => prefix + match.Groups[1].Value));
    }

    private static IEnumerable<string> Sources()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "PmemFleet.sln")))
        {
            folder = folder.Parent!;
        }

        return Directory.EnumerateFiles(Path.Combine(folder.FullName, "src", "PmemFleet.Nvdimm"), "*.cs", SearchOption.AllDirectories);
    }

    [GeneratedRegex(@"new(?: Refusal)?\(\s*(?:Errno\.\w+|errno|wanted is null \? Errno\.\w+ : Errno\.\w+),\s*""([a-z0-9-]+)""")]
    private static partial Regex Made();

    [GeneratedRegex(@"(?:Invalid|Skip|Fail|Refuse)\(\s*(?:mode == NamespaceMode\.Sector \? )?""([a-z0-9-]+)""")]
    private static partial Regex Passed();
}
