using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc.ApplicationModels;
using Microsoft.AspNetCore.Mvc.Routing;

namespace PmemFleet.Api.Access;

/// <summary>Every action needs a role without saying so: reads viewer, writes operator; an action or controller with its own [Authorize] keeps it.</summary>
public sealed class RoleConvention : IActionModelConvention
{
    public void Apply(ActionModel action)
    {
        if (action.Attributes.Concat(action.Controller.Attributes).Any(attribute => attribute is IAuthorizeData or IAllowAnonymous))
        {
            return;
        }

        foreach (var selector in action.Selectors)
        {
            var reads = action.Attributes.OfType<HttpMethodAttribute>().SelectMany(route => route.HttpMethods)
                .All(method => HttpMethods.IsGet(method) || HttpMethods.IsHead(method));
            selector.EndpointMetadata.Add(new AuthorizeAttribute(reads ? Roles.Viewer : Roles.Operator));
        }
    }
}
