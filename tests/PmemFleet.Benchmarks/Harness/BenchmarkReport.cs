using System.Text.Json;
using System.Text.Json.Serialization;

namespace PmemFleet.Benchmarks.Harness;

/// <summary>What the figures were measured on.</summary>
internal sealed record MeasuredMachine(string Cpu, int Processors, long MemoryBytes, string Os, string Runtime)
{
    public static MeasuredMachine Here()
    {
        var cpu = File.Exists("/proc/cpuinfo")
            ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1].Trim()
            : null;
        return new(
            cpu ?? "unknown",
            Environment.ProcessorCount,
            GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
            System.Runtime.InteropServices.RuntimeInformation.OSDescription,
            System.Runtime.InteropServices.RuntimeInformation.FrameworkDescription);
    }
}

/// <summary>The one document that --json prints.</summary>
internal sealed record BenchmarkReport(string Group, MeasuredMachine Machine, IReadOnlyList<Figure> Figures)
{
    /// <summary>Groups that were asked for and aren't written yet.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? NotYetMeasured { get; init; }

    public string ToJson() => JsonSerializer.Serialize(this, BenchmarkJson.Default.BenchmarkReport);

    public IEnumerable<string> ToLines() => Figures.Select(f =>
        $"{f.Name,-44} {f.Value,14:0.####} {f.Unit,-8} {(f.Goal is null ? string.Empty : $"goal {(f.Better == Better.Higher ? "≥" : "≤")} {f.Goal} {(f.Met == true ? "met" : "NOT MET")}"),-24} {f.Note}");
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(BenchmarkReport))]
internal sealed partial class BenchmarkJson : JsonSerializerContext;
