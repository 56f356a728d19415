using System.Text.RegularExpressions;

namespace PmemFleet.Lab.Tests.Repository;

/// <summary>What a source file may be: short, and named after what it does.</summary>
public sealed partial class SourceRuleTests
{
    private const int LongestFileLines = 400;

    [Fact]
    public void File_OfSource_HasNoMoreThan400Lines() =>
        Assert.Empty(from path in Checkout.Sources() let lines = File.ReadLines(path).Count() where lines > LongestFileLines select $"{Checkout.Relative(path)}: {lines}");

    [Fact]
    public void Type_Declared_HasANameThatSaysWhatItDoes() =>
        Assert.Empty(
            from path in Checkout.Sources()
            from declaration in Declaration().Matches(File.ReadAllText(path))
            let name = declaration.Groups["name"].Value
            where SaysNothing(name)
            select $"{Checkout.Relative(path)}: {name}");

    [Fact]
    public void Folder_OfSource_HasANameThatSaysWhatItHolds() =>
        Assert.Empty(
            (from path in Checkout.Sources()
             from part in Path.ChangeExtension(Checkout.Relative(path), null).Split('/', '.')
             where SaysNothing(part)
             select Checkout.Relative(path)).Distinct());

    [Theory]
    [InlineData("DimmManager", true)]
    [InlineData("LabelHelpers", true)]
    [InlineData("UtilBytes", true)]
    [InlineData("Utilities", true)]
    [InlineData("CommonRows", true)]
    [InlineData("ControllerBase", true)]
    [InlineData("BaseRow", true)]
    [InlineData("Baseline", false)]
    [InlineData("Utilization", false)]
    [InlineData("DatabaseSetup", false)]
    [InlineData("FreeBase64Reader", false)]
    public void SaysNothing_Word_IsSeenAsAWholeWordOnly(string name, bool expected) => Assert.Equal(expected, SaysNothing(name));

    private static bool SaysNothing(string name) => Empty().IsMatch(name);

    [GeneratedRegex(@"^(?:Manager|Helper|Util|Utility|Utilities|Common|Base)s?(?=[A-Z]|$)|(?<=[a-z0-9])(?:Manager|Helper|Util|Utility|Utilities|Common|Base)s?$")]
    private static partial Regex Empty();

    [GeneratedRegex(@"^[ \t]*(?:(?:public|internal|private|protected|file|sealed|static|abstract|partial|readonly|ref|unsafe)\s+)*(?:class|struct|interface|enum|record(?:\s+(?:class|struct))?)\s+(?<name>[A-Z]\w*)", RegexOptions.Multiline)]
    private static partial Regex Declaration();
}
