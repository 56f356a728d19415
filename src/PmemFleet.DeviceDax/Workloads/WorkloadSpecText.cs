using System.Text.Json;
using System.Text.Json.Serialization;

namespace PmemFleet.DeviceDax.Workloads;

/// <summary>A spec as JSON, every member written: what a load is run from wherever and whenever it runs again.</summary>
public static class WorkloadSpecText
{
    /// <summary>The spec's text.</summary>
    public static string Write(WorkloadSpec spec) => JsonSerializer.Serialize(spec, WorkloadSpecJson.Default.WorkloadSpec);

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <exception cref="JsonException">It is something else.</exception>
    public static WorkloadSpec Read(string text) =>
        JsonSerializer.Deserialize(text, WorkloadSpecJson.Default.WorkloadSpec) ?? throw new JsonException("a workload's spec is null");
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, IgnoreReadOnlyProperties = true, UseStringEnumConverter = true)]
[JsonSerializable(typeof(WorkloadSpec))]
internal sealed partial class WorkloadSpecJson : JsonSerializerContext;
