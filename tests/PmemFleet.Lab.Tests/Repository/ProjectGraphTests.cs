namespace PmemFleet.Lab.Tests.Repository;

/// <summary>Which project may know which: a new line in a csproj is a decision, and is made here first.</summary>
public sealed class ProjectGraphTests
{
    private static readonly SortedDictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        ["PmemFleet.Nvdimm"] = [],
        ["PmemFleet.DeviceDax"] = [],
        ["PmemFleet.Contracts"] = [],
        ["PmemFleet.Api"] = ["PmemFleet.Contracts", "PmemFleet.DeviceDax", "PmemFleet.Nvdimm"],
        ["PmemFleet.Worker"] = ["PmemFleet.Contracts", "PmemFleet.DeviceDax", "PmemFleet.Nvdimm"],
        // the tour is a client of the public API and speaks its types
        ["PmemFleet.Lab"] = ["PmemFleet.Api", "PmemFleet.Contracts", "PmemFleet.Worker"],
    };

    public static TheoryData<string> SourceProjects => [.. Allowed.Keys];

    [Fact]
    public void Source_Projects_AreTheOnesOfTheDesign() =>
        Assert.Equal(Allowed.Keys, Checkout.Projects().Where(IsSource).Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(SourceProjects))]
    public void References_OfASourceProject_AreTheOnesOfTheDesign(string project) =>
        Assert.Equal(Allowed[project], References(Checkout.Projects().Single(path => Path.GetFileNameWithoutExtension(path) == project)));

    [Theory]
    [InlineData("PmemFleet.Nvdimm")]
    [InlineData("PmemFleet.DeviceDax")]
    [InlineData("PmemFleet.Contracts")]
    public void Library_OfItsOwn_NeedsNoPackageAndNoFramework(string project)
    {
        var path = Checkout.Projects().Single(candidate => Path.GetFileNameWithoutExtension(candidate) == project);

        Assert.Empty(Checkout.Items(path, "PackageReference"));
        Assert.Empty(Checkout.Items(path, "FrameworkReference"));
        Assert.Contains("<Project Sdk=\"Microsoft.NET.Sdk\">", File.ReadAllText(path), StringComparison.Ordinal);
    }

    /// <summary>The recorded sessions that Nvdimm's tests replay have commands of ndctl and of daxctl, so they need the devices of DeviceDax as well.</summary>
    [Theory]
    [InlineData("PmemFleet.Nvdimm.Tests", "PmemFleet.DeviceDax", "PmemFleet.Nvdimm")]
    [InlineData("PmemFleet.DeviceDax.Tests", "PmemFleet.DeviceDax")]
    public void Tests_OfAPureLibrary_KnowOnlyPureLibraries(string tests, params string[] libraries) =>
        Assert.Equal(libraries, References(Checkout.Projects().Single(path => Path.GetFileNameWithoutExtension(path) == tests)));

    [Fact]
    public void Solution_HoldsEveryProject()
    {
        var solution = Checkout.Text("PmemFleet.sln").Replace('\\', '/');

        Assert.All(Checkout.Projects(), path => Assert.Contains($"\"{Checkout.Relative(path)}\"", solution, StringComparison.Ordinal));
    }

    private static bool IsSource(string path) => Checkout.Relative(path).StartsWith("src/", StringComparison.Ordinal);

    private static IEnumerable<string> References(string project) =>
        Checkout.Items(project, "ProjectReference").Select(reference => Path.GetFileNameWithoutExtension(reference.Replace('\\', '/'))).Order(StringComparer.Ordinal);
}
