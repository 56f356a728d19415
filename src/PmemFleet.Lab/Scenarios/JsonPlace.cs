using System.Globalization;
using System.Text.Json.Nodes;

namespace PmemFleet.Lab.Scenarios;

/// <summary>JSON pointers (RFC 6901).</summary>
internal static class JsonPlace
{
    /// <summary>The value; null where there is none.</summary>
    public static JsonNode? Find(JsonNode? document, string? pointer)
    {
        foreach (var token in (pointer ?? string.Empty).Split('/').Skip(1).Select(token => token.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal)))
        {
            document = document switch
            {
                JsonObject map => map[token],
                JsonArray list when int.TryParse(token, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index < list.Count => list[index],
                _ => null,
            };
        }

        return document;
    }
}
