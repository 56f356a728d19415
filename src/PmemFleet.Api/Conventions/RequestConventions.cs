using Microsoft.AspNetCore.Mvc.Abstractions;
using Microsoft.AspNetCore.Mvc.Filters;
using Microsoft.AspNetCore.Mvc.ModelBinding;
using PmemFleet.Api.Idempotency;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts.Problems;

namespace PmemFleet.Api.Conventions;

/// <summary>The action needs no If-Match although it is a PUT or DELETE.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class IfMatchNotRequiredAttribute : Attribute;

/// <summary>The POST changes a resource that has an ETag, and holds If-Match against it. Without it a POST makes or starts something, which has none yet.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class HonoursIfMatchAttribute : Attribute;

/// <summary>The action knows <c>?dryRun=true</c> though it takes no <see cref="FleetWrite"/> as a parameter: it has one, or a worker rehearses the write.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class AcceptsDryRunAttribute : Attribute;

/// <summary>Refuses what no endpoint may take in silence: unknown or doubled query parameters, a bad Idempotency-Key, a write without If-Match.</summary>
public sealed class RequestConventions(IModelMetadataProvider metadata) : IResourceFilter
{
    public void OnResourceExecuting(ResourceExecutingContext context)
    {
        var problem = CheckQuery(context) ?? BodyLimit.Check(context.HttpContext) ?? CheckIdempotencyKey(context.HttpContext.Request) ?? CheckIfMatch(context);
        if (problem is not null)
        {
            context.Result = new ProblemResult(problem);
        }
    }

    public void OnResourceExecuted(ResourceExecutedContext context)
    {
    }

    /// <summary>The names an action knows in its query.</summary>
    public static IEnumerable<string> QueryNames(ActionDescriptor action, IModelMetadataProvider metadata)
    {
        foreach (var parameter in action.Parameters.Where(parameter => parameter.BindingInfo?.BindingSource == BindingSource.Query))
        {
            var model = metadata.GetMetadataForType(parameter.ParameterType);
            if (model.IsComplexType && !model.IsCollectionType)
            {
                foreach (var property in model.Properties)
                {
                    yield return property.BinderModelName ?? property.Name ?? string.Empty;
                }
            }
            else
            {
                yield return parameter.BindingInfo?.BinderModelName ?? parameter.Name;
            }
        }

        if (AcceptsDryRun(action))
        {
            yield return QueryConventions.DryRun;
        }
    }

    /// <summary>True where <c>?dryRun=true</c> is known.</summary>
    public static bool AcceptsDryRun(ActionDescriptor action) =>
        action.Parameters.Any(parameter => parameter.ParameterType == typeof(FleetWrite))
        || action.EndpointMetadata.OfType<AcceptsDryRunAttribute>().Any();

    private FleetProblem? CheckQuery(ResourceExecutingContext context)
    {
        var query = context.HttpContext.Request.Query;
        if (query.Count == 0)
        {
            return null;
        }

        var known = QueryNames(context.ActionDescriptor, metadata).ToList();
        List<ProblemErrorDto> errors =
        [
            .. query.Where(pair => !known.Contains(pair.Key, StringComparer.Ordinal))
                .Select(pair => Wrong($"#/query/{pair.Key}", $"There is no query parameter '{pair.Key}' here. Known: {string.Join(", ", known)}.")),
            .. query.Where(pair => pair.Value.Count > 1).Select(pair => Wrong($"#/query/{pair.Key}", "is given twice")),
            .. query.Where(pair => pair.Value.Any(value => value?.Contains('\0', StringComparison.Ordinal) ?? false))
                .Select(pair => Wrong($"#/query/{pair.Key}", "is no text: it has U+0000")),
        ];
        if (query.TryGetValue(QueryConventions.DryRun, out var dryRun) && dryRun is [var text] && text is not ("true" or "false"))
        {
            errors.Add(Wrong($"#/query/{QueryConventions.DryRun}", "must be true or false"));
        }

        return errors.Count == 0
            ? null
            : new FleetProblem(StatusCodes.Status400BadRequest, "query-invalid", "EINVAL", errors[0].Detail) { Errors = errors };
    }

    private static FleetProblem? CheckIdempotencyKey(HttpRequest request)
    {
        var header = request.Headers["Idempotency-Key"];
        return header.Count == 0 || (header.Count == 1 && IdempotencyKeys.IsWellFormed(header[0] ?? string.Empty))
            ? null
            : new FleetProblem(StatusCodes.Status400BadRequest, "idempotency-key-invalid", "EINVAL", "An Idempotency-Key is 1 to 200 visible ASCII characters.")
            {
                Errors = [Wrong("#/header/Idempotency-Key", "must be 1 to 200 visible ASCII characters")],
            };
    }

    private static FleetProblem? CheckIfMatch(ResourceExecutingContext context)
    {
        var request = context.HttpContext.Request;
        var required = (HttpMethods.IsPut(request.Method) || HttpMethods.IsDelete(request.Method))
            && !context.ActionDescriptor.EndpointMetadata.OfType<IfMatchNotRequiredAttribute>().Any();
        return !required || request.Headers.IfMatch.Count > 0
            ? null
            : new FleetProblem(
                StatusCodes.Status428PreconditionRequired, "precondition-required", "ESTALE", "This write needs If-Match: the resource's ETag, or * for any.")
            {
                Errors = [Wrong("#/header/If-Match", "is required")],
                Allowed = ["*"],
            };
    }

    private static ProblemErrorDto Wrong(string pointer, string detail) => new() { Pointer = pointer, Detail = detail };
}
