using System.Globalization;
using System.Net.Mime;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.Controllers;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts.Problems;

namespace PmemFleet.Api.OpenApi;

/// <summary>What every operation has without saying so: its id, its examples, and the refusals of the conventions.</summary>
public sealed class OperationDescriptions : IOpenApiOperationTransformer
{
    private static readonly (int Status, string When)[] OfEvery =
    [
        (401, "No key, or one that is unknown, expired or revoked."),
        (403, "The key's role is not enough, or Linux refuses with EACCES or EPERM."),
        (429, "The key asks for too much, or the address presented too many invalid credentials. `Retry-After` says when to ask again."),
        (500, "A defect of the service; `traceId` finds it in the log."),
        (503, "Not now: the database or the host's worker does not answer, or the host boots. `Retry-After` says when to ask again."),
    ];

    private static readonly (int Status, string When)[] OfWrites =
    [
        (400, "The request is malformed: no JSON, an unknown member, a size that is none. `errors[]` points at each member."),
        (412, "`If-Match` names another version of the resource."),
        (415, "The body's media type is not the documented one."),
    ];

    public async Task TransformAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var method = context.Description.HttpMethod ?? "GET";
        if (context.Description.ActionDescriptor is ControllerActionDescriptor action)
        {
            operation.OperationId ??= $"{action.ControllerName}_{action.ActionName}";
            AddBytes(operation, action);
            AddExamples(operation, action);
        }

        var writes = !HttpMethods.IsGet(method) && !HttpMethods.IsHead(method);
        var problem = await context.GetOrCreateSchemaAsync(typeof(ProblemDto), null, cancellationToken);
        context.Document?.AddComponent("ProblemDto", problem);
        var own = context.Description.ActionDescriptor.EndpointMetadata.OfType<IRequestSizeLimitMetadata>().LastOrDefault();
        if (operation.RequestBody is not null && own is null or { MaxRequestBodySize: > 0 })
        {
            AddProblem(operation, context.Document, 413, TooLarge(own));
        }

        foreach (var (status, when) in writes ? [.. OfEvery, .. OfWrites, .. Required(method)] : OfEvery)
        {
            AddProblem(operation, context.Document, status, when);
        }

        if (!writes && operation.Parameters is { Count: > 0 } parameters && parameters.Any(parameter => parameter.In == ParameterLocation.Query))
        {
            AddProblem(operation, context.Document, 400, "A query parameter is malformed or unknown.");
        }

        foreach (var response in operation.Responses!.Where(response => string.IsNullOrEmpty(response.Value.Description)))
        {
            response.Value.Description = response.Key;
        }
    }

    private static string TooLarge(IRequestSizeLimitMetadata? own) => own?.MaxRequestBodySize is { } bytes
        ? string.Create(CultureInfo.InvariantCulture, $"The body is larger than {bytes >> 20} MiB (`numbers.limit`).")
        : "The body is larger than 1 MiB, or what the service is configured for (`numbers.limit`).";

    private static IEnumerable<(int Status, string When)> Required(string method) =>
        HttpMethods.IsPut(method) || HttpMethods.IsDelete(method)
            ? [(428, "`If-Match` is required; `*` matches any version.")]
            : [];

    private static void AddProblem(OpenApiOperation operation, OpenApiDocument? document, int status, string when)
    {
        operation.Responses ??= [];
        operation.Responses.TryAdd(status.ToString(null, null), new OpenApiResponse
        {
            Description = when,
            Content = new Dictionary<string, OpenApiMediaType>
            {
                [FleetProblem.MediaType] = new OpenApiMediaType { Schema = new OpenApiSchemaReference("ProblemDto", document) },
            },
        });
    }

    /// <summary>A body of bytes is read as a stream, and so is no parameter that the generator could see.</summary>
    private static void AddBytes(OpenApiOperation operation, ControllerActionDescriptor action)
    {
        if (operation.RequestBody is null && action.EndpointMetadata.OfType<ConsumesAttribute>().Any(consumes => consumes.ContentTypes.Contains(MediaTypeNames.Application.Octet)))
        {
            operation.RequestBody = new OpenApiRequestBody
            {
                Required = true,
                Description = "The bytes.",
                Content = new Dictionary<string, OpenApiMediaType>
                {
                    [MediaTypeNames.Application.Octet] = new() { Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" } },
                },
            };
        }
    }

    private static void AddExamples(OpenApiOperation operation, ControllerActionDescriptor action)
    {
        var examples = action.MethodInfo.GetCustomAttributes(typeof(RequestExampleAttribute), false).Cast<RequestExampleAttribute>().ToArray();
        if (examples.Length == 0 || operation.RequestBody?.Content is not { } content)
        {
            return;
        }

        foreach (var media in content.Values)
        {
            media.Examples = examples.Select((example, index) => (example, index)).ToDictionary(
                pair => $"example{pair.index + 1}",
                IOpenApiExample (pair) => new OpenApiExample { Summary = pair.example.Summary, Value = WireSchemas.Parse(pair.example.Json) });
        }
    }
}
