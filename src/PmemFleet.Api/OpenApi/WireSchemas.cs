using System.Text.Json.Nodes;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using PmemFleet.Contracts;

namespace PmemFleet.Api.OpenApi;

/// <summary>Schemas of wire types that reflection cannot see: a size is an integer or ndctl's text.</summary>
public sealed class WireSchemas : IOpenApiSchemaTransformer
{
    /// <summary>What <see cref="ByteSize"/> accepts as text.</summary>
    public const string SizePattern = "^(0[xX][0-9a-fA-F]+|[0-9]+)([kKmMgGtT]([iI]?[bB])?)?$";

    public Task TransformAsync(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellationToken)
    {
        var type = context.JsonTypeInfo.Type;
        if (type == typeof(ByteSize) || type == typeof(ByteSize?))
        {
            schema.Type = null;
            schema.Format = null;
            schema.Pattern = null;
            schema.OneOf =
            [
                new OpenApiSchema { Type = JsonSchemaType.Integer, Format = "int64", Minimum = "0", Description = "Bytes." },
                new OpenApiSchema { Type = JsonSchemaType.String, Pattern = SizePattern, Description = "As ndctl takes it: 4096, 0x1000, 16M, 4GiB." },
            ];
        }
        else if (type.IsClass && type.Namespace?.StartsWith("PmemFleet.Contracts", StringComparison.Ordinal) == true
            && type.Name.EndsWith("Request", StringComparison.Ordinal))
        {
            schema.AdditionalPropertiesAllowed = false;
        }

        // integers go out and come in as integers only
        if (schema.Pattern is not null && schema.Type is { } types && types.HasFlag(JsonSchemaType.Integer))
        {
            schema.Type = types & ~JsonSchemaType.String;
            schema.Pattern = null;
        }

        return Task.CompletedTask;
    }

    internal static JsonNode? Parse(string json) => JsonNode.Parse(json);
}
