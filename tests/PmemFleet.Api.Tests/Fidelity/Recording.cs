using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;

namespace PmemFleet.Api.Tests.Fidelity;

/// <summary>
/// A recorded session of a real Linux 6.1 with ndctl 76.1: what was typed, what was printed, and what the machine looked like between.
/// The files are those of <c>PmemFleet.Nvdimm.Tests/Vectors</c>; PMEMFLEET_VECTORS names a folder with other recordings.
/// </summary>
internal sealed class Recording
{
    private static readonly string Root = FindRoot();

    private Recording(string name, JsonArray events) => (Name, Events) = (name, events);

    public string Name { get; }

    public JsonArray Events { get; }

    /// <summary>
    /// The recordings that are sessions of commands: each of their steps can be typed again. Without the machine of nfit_test, whose
    /// regions carry offsets in their cookies that no request takes.
    /// </summary>
    public static IEnumerable<string> Sessions() => Directory.GetDirectories(Root)
        .Select(folder => Path.GetFileName(folder)!)
        .Where(name => Prefixes.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal)))
        .Where(name => !name.Contains("nfit_test", StringComparison.Ordinal))
        .Where(name => File.Exists(Path.Combine(Root, name, "expected.json.gz")))
        .Order(StringComparer.Ordinal);

    private static string[] Prefixes => ["a_", "c_", "d_", "j_", "k_", "n_", "x_", "y_"];

    public static Recording Load(string name) => new(name, JsonNode.Parse(Read(name, "expected.json"))!["events"]!.AsArray());

    public byte[] Bytes(string file) => Read(Name, file);

    /// <summary>The recorder's words for each DIMM, such as <c>d0.img,1G+128K,label=128K</c>. Empty where the script is not kept.</summary>
    public string[] Machine()
    {
        if (!File.Exists(Path.Combine(Root, Name, "steps.sh.gz")))
        {
            return [];
        }

        var line = Encoding.UTF8.GetString(Read(Name, "steps.sh")).Split('\n')[0];
        return [.. line.Split(' ').Where(word => word.StartsWith('d') && word.Contains(".img", StringComparison.Ordinal))];
    }

    private static byte[] Read(string name, string file)
    {
        using var compressed = File.OpenRead(Path.Combine(Root, name, file + ".gz"));
        using var unzipped = new GZipStream(compressed, CompressionMode.Decompress);
        using var bytes = new MemoryStream();
        unzipped.CopyTo(bytes);
        return bytes.ToArray();
    }

    /// <summary>The folder of the checkout.</summary>
    public static string Checkout()
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "PmemFleet.sln")))
            {
                return at.FullName;
            }
        }

        throw new InvalidOperationException("The tests run from inside the repository.");
    }

    private static string FindRoot() => Environment.GetEnvironmentVariable("PMEMFLEET_VECTORS") is { Length: > 0 } elsewhere
        ? elsewhere
        : Path.Combine(Checkout(), "tests", "PmemFleet.Nvdimm.Tests", "Vectors");
}
