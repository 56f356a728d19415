using System.Text.Json.Nodes;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.DataPlane;
using PmemFleet.Contracts.DataPlane;

namespace PmemFleet.Api.OpenApi;

/// <summary>Path parameters and the conventions' headers, which mean the same wherever they stand.</summary>
public sealed class ParameterDescriptions : IOpenApiOperationTransformer
{
    private const string KeyOfDatabase = "Makes the request safe to repeat for 24 hours.";

    private const string KeyOfWorker =
        "Makes the request safe to repeat until its host boots or moves to another worker, which ends what it made. The worker keeps a host's last 4,096 keys in memory.";

    private static readonly Dictionary<string, (string Description, string Example)> Paths = new()
    {
        ["id"] = ("The id (UUIDv7).", "01934b2c-0000-7000-8000-000000000000"),
        ["worker"] = ("The worker's name.", "worker-1"),
        ["host"] = ("The host's name.", "db-1"),
        ["dimm"] = ("The DIMM's name on its host.", "nmem0"),
        ["region"] = ("The region's name on its host.", "region0"),
        ["namespace"] = ("The namespace's name on its host.", "namespace0.0"),
        ["device"] = ("The dax device's name on its host.", "dax0.0"),
        ["pid"] = ("The process's pid on its host.", "1000"),
        ["dpa"] = ("An address in the DIMM's own space, in bytes.", "4096"),
        ["mapping"] = ("The mapping's number in its process.", "1"),
    };

    public Task TransformAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        operation.Parameters ??= [];
        foreach (var parameter in operation.Parameters.OfType<OpenApiParameter>())
        {
            if (parameter is { In: ParameterLocation.Path, Name: { } name } && Paths.TryGetValue(name, out var known))
            {
                parameter.Description = string.IsNullOrWhiteSpace(parameter.Description) ? known.Description : parameter.Description;
                parameter.Example = parameter.Schema?.Type is { } type && type.HasFlag(JsonSchemaType.Integer)
                    ? JsonValue.Create(int.Parse(known.Example, null))
                    : JsonValue.Create(known.Example);
            }
        }

        foreach (var described in context.Description.ParameterDescriptions.Where(parameter => parameter.ModelMetadata?.ContainerType is not null))
        {
            var metadata = described.ModelMetadata!;
            if (operation.Parameters.OfType<OpenApiParameter>().FirstOrDefault(parameter => parameter.Name == described.Name) is { } parameter
                && metadata.ContainerType!.GetProperty(metadata.PropertyName!) is { } property)
            {
                parameter.Description ??= XmlSummaries.Of(property);
            }
        }

        if (context.Description.ActionDescriptor is { } action && RequestConventions.AcceptsDryRun(action))
        {
            operation.Parameters.Add(new OpenApiParameter
            {
                Name = QueryConventions.DryRun,
                In = ParameterLocation.Query,
                Description = "All checks and the answer it would give; nothing is changed.",
                Schema = new OpenApiSchema { Type = JsonSchemaType.Boolean },
            });
        }

        var method = context.Description.HttpMethod ?? "GET";
        var writes = !HttpMethods.IsGet(method) && !HttpMethods.IsHead(method);
        if (writes)
        {
            var required = HttpMethods.IsPut(method) || HttpMethods.IsDelete(method);
            if (!HttpMethods.IsPost(method) || context.Description.ActionDescriptor.EndpointMetadata.OfType<HonoursIfMatchAttribute>().Any())
            {
                Header(operation, "If-Match", "The ETag the resource must still have; `*` for any.", required, required ? "*" : null);
            }

            Header(operation, "Prefer", "`wait=N` seconds for the worker (default 5), or `respond-async`.", false, null);
        }

        if (HttpMethods.IsPost(method))
        {
            var isDoneByWorker = context.Description.ActionDescriptor?.EndpointMetadata.OfType<DoneByWorkerAttribute>().Any() ?? false;
            Header(operation, DataPlaneRoutes.IdempotencyHeader, isDoneByWorker ? KeyOfWorker : KeyOfDatabase, false, null);
        }

        return Task.CompletedTask;
    }

    private static void Header(OpenApiOperation operation, string name, string description, bool required, string? example)
    {
        if (operation.Parameters!.Any(parameter => parameter.In == ParameterLocation.Header && parameter.Name == name))
        {
            return;
        }

        operation.Parameters!.Add(new OpenApiParameter
        {
            Name = name,
            In = ParameterLocation.Header,
            Description = description,
            Required = required,
            Schema = new OpenApiSchema { Type = JsonSchemaType.String },
            Example = example is null ? null : JsonValue.Create(example),
        });
    }
}
