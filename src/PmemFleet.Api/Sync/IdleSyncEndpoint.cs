using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Mvc.Controllers;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Sync;

/// <summary>
/// Serves the syncs that bring nothing without MVC: thousands of them wait at any time, and what each holds while it does is memory, and is moved by
/// the garbage collector. Whatever is in any way unusual, a refusal included, is <see cref="SyncController"/>'s, which gets the request as it came.
/// </summary>
internal static class IdleSyncEndpoint
{
    private static readonly JsonTypeInfo<SyncResponse> Answer = (JsonTypeInfo<SyncResponse>)FleetJson.Options.GetTypeInfo(typeof(SyncResponse));

    /// <summary>A convention of the controllers' endpoints.</summary>
    public static void Apply(EndpointBuilder endpoint)
    {
        if (endpoint.RequestDelegate is { } controller && endpoint.Metadata.OfType<ControllerActionDescriptor>().Any(action => action.ControllerTypeInfo == typeof(SyncController)))
        {
            endpoint.RequestDelegate = http => ServeAsync(http, controller);
        }
    }

    private static async Task ServeAsync(HttpContext http, RequestDelegate controller)
    {
        if (await IdleOfAsync(http) is not { } request)
        {
            await controller(http);
            return;
        }

        var worker = SyncController.IdentityOf(http.User, (string)http.GetRouteValue("worker")!);
        if (request.InstanceId == worker.InstanceId && await http.RequestServices.GetRequiredService<WorkerSync>().RunAsync(worker, request, http.RequestAborted) is { } response)
        {
            if (!http.RequestAborted.IsCancellationRequested)
            {
                await http.Response.WriteAsJsonAsync(response, Answer, cancellationToken: http.RequestAborted);
            }
        }
        else
        {
            await FleetProblem.Of(SyncController.Fenced).WriteAsync(http);
        }
    }

    /// <summary>Null where the controller has to look at it; the body can be read again then.</summary>
    private static async ValueTask<SyncRequest?> IdleOfAsync(HttpContext http)
    {
        var request = http.Request;
        if (request.QueryString.HasValue || request.Headers.ContainsKey("Idempotency-Key") || !IsJson(request.ContentType))
        {
            return null;
        }

        var said = SaidBefore.Of(http);
        if (said is not null && await said.IsRepeatedAsync(request.BodyReader, http.RequestAborted))
        {
            return said.Request;
        }

        var buffer = new MemoryStream(512);
        await request.Body.CopyToAsync(buffer, http.RequestAborted);
        if (Read(buffer.GetBuffer().AsSpan(0, (int)buffer.Length)) is { } idle)
        {
            SaidBefore.Keep(http, buffer, idle);
            return idle;
        }

        buffer.Position = 0;
        request.Body = buffer;
        return null;
    }

    private static SyncRequest? Read(ReadOnlySpan<byte> body)
    {
        // the look is cheap, and keeps what brings something from being read twice
        if (body.IndexOf("\"results\":[]"u8) < 0 || body.IndexOf("\"observations\":[]"u8) < 0)
        {
            return null;
        }

        try
        {
            return FleetJsonInputFormatter.Read(body, typeof(SyncRequest)) is SyncRequest { InstanceId: not null, Hosts: not null } request
                && WorkerSync.IsIdle(request) && SyncRules.Check(request) is null ? request : null;
        }
        catch (RefusedBodyException)
        {
            // the controller says so
            return null;
        }
    }

    private static bool IsJson(string? contentType) =>
        contentType is "application/json" || string.Equals(contentType, "application/json; charset=utf-8", StringComparison.OrdinalIgnoreCase);
}
