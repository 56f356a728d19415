using Microsoft.AspNetCore.Mvc;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Problems;

namespace PmemFleet.Api.Hosts;

/// <summary>Writes of one host, and the answers of reads.</summary>
public static class HostWrites
{
    /// <summary>Locks and loads the host, applies one command, and saves in the same transaction what it changed.</summary>
    public static Task<IActionResult> ExecuteAsync(
        this FleetWrite write, ControllerBase controller, string host, Func<HostAggregate, WriteOutcome> command, bool poweredOff = false) =>
        write.ExecuteAsync(controller, new HostCommand(host, command, poweredOff));

    /// <summary>200 with the resource and its ETag, or 404.</summary>
    public static IActionResult Found<T>(this ControllerBase controller, Tagged<T>? found, string kind, string name)
        where T : class
    {
        if (found is null)
        {
            return ProblemResults.NotFound(kind, name).ToResult();
        }

        controller.Response.Headers.ETag = found.Etag;
        return controller.Ok(found.Value);
    }

    /// <summary>A list below a host: 404 where there is no such host, and not an empty list.</summary>
    public static async Task<IActionResult> OfHostAsync<T>(this ControllerBase controller, FleetDbContext db, string host, Func<Task<T>> list) =>
        await HostProjection.ExistsAsync(db, host, controller.HttpContext.RequestAborted)
            ? controller.Ok(await list())
            : ProblemResults.NotFound("host", host).ToResult();
}

/// <summary>A resource with its ETag.</summary>
public sealed record Tagged<T>(T Value, string Etag)
    where T : class;
