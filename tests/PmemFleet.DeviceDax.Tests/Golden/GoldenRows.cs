using System.IO.Compression;
using System.Text.Json.Nodes;

namespace PmemFleet.DeviceDax.Tests.Golden;

/// <summary>The recorded rows, and the comparison that counts what agrees.</summary>
internal static class GoldenRows
{
    public static IReadOnlyList<JsonObject> Read(string name) =>
        [.. Lines(name + ".jsonl.gz").Where(l => l.Length > 0).Select(l => Parse(l))];

    // The recording's poison rows have a second member "t" after the row's kind.
    private static JsonObject Parse(string line) =>
        JsonNode.Parse(line.Replace("\"t\":\"special\",", string.Empty, StringComparison.Ordinal))!.AsObject();

    public static IReadOnlyList<string> Lines(string resource)
    {
        using var stream = typeof(GoldenRows).Assembly.GetManifestResourceStream(resource)
            ?? throw new InvalidOperationException($"no vector {resource}");
        using var reader = new StreamReader(new GZipStream(stream, CompressionMode.Decompress));
        return reader.ReadToEnd().TrimEnd('\n').Split('\n');
    }

    /// <summary>Members of the recorded row that differ, as "path: recorded x, got y".</summary>
    public static IEnumerable<string> Differences(JsonObject recorded, JsonObject got, Func<string, bool> isLeftOut)
    {
        foreach (var (key, value) in recorded)
        {
            foreach (var difference in Compare(key, value, got[key], isLeftOut))
            {
                yield return difference;
            }
        }
    }

    private static IEnumerable<string> Compare(string path, JsonNode? recorded, JsonNode? got, Func<string, bool> isLeftOut)
    {
        if (isLeftOut(path))
        {
            yield break;
        }

        if (recorded is JsonObject whole && got is JsonObject ours)
        {
            foreach (var key in whole.Select(p => p.Key).Union(ours.Select(p => p.Key)))
            {
                foreach (var difference in Compare($"{path}.{key}", whole[key], ours[key], isLeftOut))
                {
                    yield return difference;
                }
            }
        }
        else if (!JsonNode.DeepEquals(recorded, got))
        {
            yield return $"{path}: recorded {recorded?.ToJsonString() ?? "nothing"}, got {got?.ToJsonString() ?? "nothing"}";
        }
    }
}
