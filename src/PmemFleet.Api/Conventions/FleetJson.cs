using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using PmemFleet.Contracts;

namespace PmemFleet.Api.Conventions;

/// <summary>The JSON of the wire: source-generated types first, reflection for the few shapes that only the Api knows.</summary>
public static class FleetJson
{
    public static readonly JsonSerializerOptions Options = Create();

    public static byte[] ToUtf8(object value) => JsonSerializer.SerializeToUtf8Bytes(value, value.GetType(), Options);

    private static JsonSerializerOptions Create()
    {
        var options = new JsonSerializerOptions(FleetJsonContext.Default.Options)
        {
            TypeInfoResolver = JsonTypeInfoResolver.Combine(FleetJsonContext.Default, new DefaultJsonTypeInfoResolver()),
        };
        options.MakeReadOnly();
        return options;
    }
}
