using System.Reflection;
using PmemFleet.DeviceDax.Machines;

namespace PmemFleet.DeviceDax.Tests;

/// <summary>The library shows what is meant to be shown: a symbol that becomes public by accident shows up here.</summary>
public class PublicSurfaceTests
{
    [Fact]
    [Trait("Row", "76")]
    public void Assembly_ExportsOnlyWhatIsListed()
    {
        var exported = typeof(Machine).Assembly.GetExportedTypes().Select(type => type.FullName!).Order(StringComparer.Ordinal).ToList();
        if (Environment.GetEnvironmentVariable("PMEMFLEET_UPDATE_SURFACE") is { Length: > 0 } path)
        {
            File.WriteAllLines(path, exported);
        }

        var listed = File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "PublicTypes.txt")).Where(line => line.Length > 0);
        Assert.Equal(listed, exported);
    }

    [Fact]
    [Trait("Row", "76")]
    public void PublicTypes_HaveNoMutableFieldsAnyoneCanReach() =>
        Assert.DoesNotContain(
            typeof(Machine).Assembly.GetExportedTypes().SelectMany(type => type.GetFields(BindingFlags.Public | BindingFlags.Static | BindingFlags.Instance)),
            field => !field.IsInitOnly && !field.IsLiteral && !field.IsSpecialName);
}
