using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace PmemFleet.Lab.Tests.Repository;

/// <summary>What a build brings in is written down: one version of each package, and the whole closure in lock files.</summary>
public sealed partial class PackageTests
{
    [Fact]
    public void Project_Each_HasALockFile() =>
        Assert.Empty(Checkout.Projects().Where(path => !File.Exists(Path.Combine(Path.GetDirectoryName(path)!, "packages.lock.json"))).Select(Checkout.Relative));

    [Fact]
    public void Project_Each_LeavesVersionsToTheCentralFile() =>
        Assert.Empty(
            from path in Checkout.Projects()
            from package in XDocument.Load(path).Descendants("PackageReference")
            where package.Attribute("Version") is not null || package.Attribute("VersionOverride") is not null
            select $"{Checkout.Relative(path)}: {package}");

    [Fact]
    public void Version_Each_IsExact()
    {
        var versions = XDocument.Parse(Checkout.Text("Directory.Packages.props")).Descendants("PackageVersion").ToList();

        Assert.NotEmpty(versions);
        Assert.All(versions, version => Assert.Matches(ExactVersion(), version.Attribute("Version")?.Value));
    }

    [Fact]
    public void Restore_InCi_IsLocked()
    {
        var locked = XDocument.Parse(Checkout.Text("Directory.Build.props")).Descendants("RestoreLockedMode").Single();

        Assert.Equal("true", locked.Value);
        Assert.Equal("'$(CI)' == 'true'", locked.Attribute("Condition")?.Value);
    }

    [GeneratedRegex(@"^\d+\.\d+\.\d+(?:-[0-9A-Za-z.]+)?$")]
    private static partial Regex ExactVersion();
}
