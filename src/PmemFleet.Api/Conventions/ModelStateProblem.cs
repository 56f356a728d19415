using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.ModelBinding;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts.Problems;

namespace PmemFleet.Api.Conventions;

/// <summary>What the shape check of a request found, as one problem with a pointer for each complaint.</summary>
public static class ModelStateProblem
{
    public static IActionResult ToResult(ActionContext context)
    {
        // a parameter's name is no part of a body's pointer; query and route parameters are addressed by name
        var named = context.ActionDescriptor.Parameters
            .Where(parameter => parameter.BindingInfo?.BindingSource != BindingSource.Body)
            .ToDictionary(parameter => parameter.BindingInfo?.BinderModelName ?? parameter.Name, parameter => parameter.BindingInfo?.BindingSource);
        var hasBody = context.ActionDescriptor.Parameters.Any(parameter => parameter.BindingInfo?.BindingSource == BindingSource.Body);
        List<ProblemErrorDto> errors = [];
        foreach (var (key, entry) in context.ModelState)
        {
            foreach (var error in entry.Errors)
            {
                var source = named.GetValueOrDefault(key);
                var pointer = source == BindingSource.Path ? $"#/path/{key}"
                    : source is not null || !hasBody || context.HttpContext.Request.Query.ContainsKey(key) ? $"#/query/{key}"
                    : JsonShape.PointerOfPath(key);
                errors.Add(new ProblemErrorDto { Pointer = pointer, Detail = error.ErrorMessage });
            }
        }

        return new ProblemResult(new FleetProblem(
            StatusCodes.Status400BadRequest, "request-invalid", "EINVAL", string.Join(' ', errors.Select(error => $"{error.Pointer}: {error.Detail}").Take(3)))
        {
            Errors = errors,
        });
    }
}
