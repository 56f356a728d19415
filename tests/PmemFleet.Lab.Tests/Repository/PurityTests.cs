using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text.RegularExpressions;

namespace PmemFleet.Lab.Tests.Repository;

/// <summary>
/// The two models are functions of what they are given (design section 3): no file, no network, no clock, no randomness of their own.
/// What an assembly can call is in its metadata, so nothing hides from this.
/// </summary>
public sealed partial class PurityTests
{
    [Theory]
    [InlineData("PmemFleet.Nvdimm")]
    [InlineData("PmemFleet.DeviceDax")]
    public void Library_Pure_CallsNothingOfTheWorldOutside(string library) =>
        Assert.Empty(Called(Path.Combine(AppContext.BaseDirectory, library + ".dll")).Where(member => Outside().IsMatch(member)).Distinct());

    [Fact]
    public void Outside_TheLab_IsSeen()
    {
        var called = Called(Path.Combine(AppContext.BaseDirectory, "PmemFleet.Lab.dll")).Where(member => Outside().IsMatch(member)).ToList();

        Assert.Contains("System.IO.File.Exists", called);
        Assert.Contains("System.Diagnostics.Process.Start", called);
        Assert.Contains("System.Environment.GetEnvironmentVariable", called);
    }

    [Theory]
    [InlineData("System.DateTime.get_UtcNow", true)]
    [InlineData("System.TimeProvider.get_System", true)]
    [InlineData("System.Guid.NewGuid", true)]
    [InlineData("System.Random..ctor", true)]
    [InlineData("System.Environment.get_ProcessorCount", true)]
    [InlineData("System.Environment.get_CurrentManagedThreadId", false)]
    [InlineData("System.Guid.TryWriteBytes", false)]
    [InlineData("System.DateTimeOffset.FromUnixTimeSeconds", false)]
    [InlineData("System.Buffers.Binary.BinaryPrimitives.ReadUInt64LittleEndian", false)]
    public void Outside_Member_IsToldFromInside(string member, bool expected) => Assert.Equal(expected, Outside().IsMatch(member));

    private static IEnumerable<string> Called(string assembly)
    {
        using var stream = File.OpenRead(assembly);
        using var image = new PEReader(stream);
        var metadata = image.GetMetadataReader();
        foreach (var handle in metadata.MemberReferences)
        {
            var member = metadata.GetMemberReference(handle);
            if (TypeName(metadata, member.Parent) is { } type)
            {
                yield return $"{type}.{metadata.GetString(member.Name)}";
            }
        }
    }

    private static string? TypeName(MetadataReader metadata, EntityHandle parent)
    {
        if (parent.Kind != HandleKind.TypeReference)
        {
            return null;
        }

        var type = metadata.GetTypeReference((TypeReferenceHandle)parent);
        return $"{metadata.GetString(type.Namespace)}.{metadata.GetString(type.Name)}";
    }

    [GeneratedRegex(
        // an iterator's own code reads CurrentManagedThreadId
        @"^System\.(?:IO\.(?:File|Directory|Path|FileStream|FileInfo|DirectoryInfo|FileSystem\w*|RandomAccess|Pipes\.\w+|MemoryMappedFiles\.\w+)|Net\.[\w.]+|Console|Environment(?!\.get_CurrentManagedThreadId$)|Random|TimeProvider|Diagnostics\.(?:Process|Stopwatch)|Security\.Cryptography\.RandomNumberGenerator|Threading\.(?:Timer|PeriodicTimer|Thread))\."
        + @"|^System\.Guid\.(?:NewGuid|CreateVersion7)$|^System\.DateTime(?:Offset)?\.get_(?:Now|UtcNow|Today)$")]
    private static partial Regex Outside();
}
