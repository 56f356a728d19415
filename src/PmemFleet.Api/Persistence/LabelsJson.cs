using System.Text.Json;
using Microsoft.EntityFrameworkCore.ChangeTracking;
using Microsoft.EntityFrameworkCore.Storage.ValueConversion;

namespace PmemFleet.Api.Persistence;

/// <summary>A resource's labels as a jsonb object.</summary>
public static class LabelsJson
{
    public static readonly ValueConverter<Dictionary<string, string>, string> Converter = new(
        labels => JsonSerializer.Serialize(labels, JsonSerializerOptions.Default),
        text => JsonSerializer.Deserialize<Dictionary<string, string>>(text, JsonSerializerOptions.Default)!);

    public static readonly ValueComparer<Dictionary<string, string>> Comparer = new(
        (a, b) => a == b || (a != null && b != null && a.Count == b.Count && !a.Except(b).Any()),
        labels => labels.Count,
        labels => new Dictionary<string, string>(labels));
}
