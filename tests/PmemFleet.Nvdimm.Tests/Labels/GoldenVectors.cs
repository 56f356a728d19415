using System.IO.Compression;
using System.Text.Json.Nodes;

namespace PmemFleet.Nvdimm.Tests.Labels;

/// <summary>Recorded behaviour of Linux 6.1 and ndctl 76.1, kept gzip-compressed beside the tests.</summary>
internal static class GoldenVectors
{
    private static string Root { get; } = FindRoot();

    public static byte[] Bytes(string path)
    {
        using var file = File.OpenRead(Path.Combine(Root, path + ".gz"));
        using var unzipped = new GZipStream(file, CompressionMode.Decompress);
        using var memory = new MemoryStream();
        unzipped.CopyTo(memory);
        return memory.ToArray();
    }

    public static bool Has(string path) => File.Exists(Path.Combine(Root, path + ".gz"));

    public static IEnumerable<string> Cases(string prefix) =>
        Directory.GetDirectories(Root, prefix + "*").Select(d => Path.GetFileName(d)!).Order(StringComparer.Ordinal);

    public static IEnumerable<string> Files(string folder) =>
        Directory.GetFiles(Path.Combine(Root, folder), "*.gz").Select(f => Path.GetFileNameWithoutExtension(f)!).Order(StringComparer.Ordinal);

    public static IEnumerable<string> Labels() =>
        Directory.GetFiles(Root, "*.label.gz", SearchOption.AllDirectories)
            .Select(f => Path.GetRelativePath(Root, f)[..^".gz".Length]).Order(StringComparer.Ordinal);

    public static JsonArray Events(string @case) =>
        JsonNode.Parse(Bytes(@case + "/expected.json"))!["events"]!.AsArray();

    public static JsonNode Command(string @case, string command) =>
        Events(@case).First(e => (string?)e!["cmd"] == command)!;

    public static JsonNode Snapshot(string @case, string name) =>
        Events(@case).First(e => (string?)e!["type"] == "snap" && (string?)e["name"] == name)!;

    /// <summary>PMEMFLEET_VECTORS: further recordings, made by deploy/scripts/oracle-sessions.py, in the place of those that are kept here.</summary>
    private static string FindRoot()
    {
        if (Environment.GetEnvironmentVariable("PMEMFLEET_VECTORS") is { Length: > 0 } elsewhere)
        {
            return elsewhere;
        }

        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            var vectors = Path.Combine(at.FullName, "tests", "PmemFleet.Nvdimm.Tests", "Vectors");
            if (Directory.Exists(vectors))
            {
                return vectors;
            }
        }

        throw new InvalidOperationException("the tests run from inside the repository");
    }
}
