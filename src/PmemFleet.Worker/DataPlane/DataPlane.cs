using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization.Metadata;
using PmemFleet.Contracts.DataPlane;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Sync;
using PmemFleet.Worker.Hosts;
using PmemFleet.Worker.Media;
using PmemFleet.Worker.Sync;

namespace PmemFleet.Worker.DataPlane;

/// <summary>The value of a data-plane request, or its refusal.</summary>
/// <param name="Value">The value.</param>
/// <param name="Refusal">The refusal.</param>
internal readonly record struct Answer<T>(T? Value, RefusalDto? Refusal)
    where T : class
{
    public static implicit operator Answer<T>(T value) => new(value, null);

    public static implicit operator Answer<T>(RefusalDto refusal) => new(null, refusal);
}

/// <summary>Requests of the endpoint are dry runs.</summary>
internal sealed record RehearsedEndpoint;

/// <summary>
/// What every data-plane request goes through: the Api's credential, the host and its epoch, one thing at a time on a host, and the
/// DIMM states that the request changed on the way back.
/// </summary>
internal sealed class DataPlaneGate(LiveHosts hosts, SyncSignal signal)
{
    /// <summary>The credential, asked for before anything of the request is read.</summary>
    public bool Allows(HttpRequest request)
    {
        var given = Encoding.UTF8.GetBytes(request.Headers.Authorization.ToString());
        return hosts.DataPlaneCredential is { } credential && CryptographicOperations.FixedTimeEquals(given, Encoding.UTF8.GetBytes($"Bearer {credential}"));
    }

    /// <summary>Runs a request on a host.</summary>
    /// <param name="http">The request.</param>
    /// <param name="hostId">The host.</param>
    /// <param name="type">The reply's.</param>
    /// <param name="action">Done under the host's gate.</param>
    /// <param name="body">The request's document, by which a repeat under the same Idempotency-Key is told from another request.</param>
    /// <param name="poweredOff">Also on a host without power: only its media is looked at.</param>
    public async Task<IResult> RunAsync<T>(
        HttpContext http, Guid hostId, JsonTypeInfo<DataPlaneReply<T>> type, Func<LiveHost, Answer<T>> action, object? body = null, bool poweredOff = false)
        where T : class
    {
        var (outcome, refusal) = await HoldAsync(http, hostId, host => Run(http, host, type, action, body), poweredOff);
        return outcome ?? Reply(type, new Answer<T>(null, refusal), []);
    }

    /// <summary>
    /// Does something with a host that is up, under its gate: one thing at a time. The host may have been let go, or a newer epoch may have
    /// its media, while the request waited; then it is refused, and nothing it stored is acknowledged.
    /// </summary>
    public async Task<(IResult? Result, RefusalDto? Refusal)> HoldAsync(HttpContext http, Guid hostId, Func<LiveHost, IResult> action, bool poweredOff = false)
    {
        if (Find(http, hostId, out var refusal) is not { } host)
        {
            return (null, refusal);
        }

        await host.Gate.WaitAsync(http.RequestAborted);
        try
        {
            if (host.IsDropped || (host.Machine is null && !poweredOff) || !hosts.LeaseHolds)
            {
                return (null, NotReady());
            }

            var result = action(host);
            return host.Store.IsCurrent ? (result, null) : (null, Fenced(host.Store.Epoch));
        }
        catch (FencedException)
        {
            return (null, Fenced(host.Store.Epoch));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return (null, Unavailable(failure));
        }
        finally
        {
            host.Gate.Release();
            await hosts.DropWhenLostAsync(host);
        }
    }

    /// <summary>A store that failed: nothing was acknowledged. Without room it fails until there is room again; anything else may be tried again.</summary>
    public static RefusalDto Unavailable(Exception failure) => failure is IOException full && DiskErrors.IsFull(full)
        ? Refusals.Of("ENOSPC", "media-full", $"The worker's media store has no room for new data; what is stored can be read. {failure.Message}")
        : Refusals.Of("EAGAIN", "media-unavailable", $"The worker's media store failed: {failure.Message}");

    /// <summary>What the request changed on the DIMMs; the next sync carries it too.</summary>
    public IReadOnlyList<DimmObservation> TakeObservations(LiveHost host)
    {
        var changed = host.Memory.TakeChanged();
        if (changed.Count > 0)
        {
            signal.Raise();
        }

        return [.. changed.Select(dimm => dimm.Observe(host.Store.Epoch))];
    }

    private IResult Run<T>(HttpContext http, LiveHost host, JsonTypeInfo<DataPlaneReply<T>> type, Func<LiveHost, Answer<T>> action, object? body)
        where T : class
    {
        if (http.GetEndpoint()?.Metadata.GetMetadata<RehearsedEndpoint>() is not null)
        {
            var rehearsed = host.Rehearse(action);
            return Send(http, type, new DataPlaneReply<T> { Value = rehearsed.Value, Refusal = rehearsed.Refusal });
        }

        var key = http.Request.Headers[DataPlaneRoutes.IdempotencyHeader].ToString();
        var request = key.Length > 0 ? RepeatedRequests.Fingerprint(http.Request, body) : string.Empty;
        if (key.Length > 0 && host.Repeats.TryFind(key, request, out var isOther, out var repeated))
        {
            if (isOther)
            {
                return Reply<T>(type, Refusals.Of("EINVAL", "idempotency-key-reused", "This Idempotency-Key was used for another request."), []);
            }

            http.Response.Headers[DataPlaneRoutes.ReplayedHeader] = "true";
            return Send(http, type, (DataPlaneReply<T>)repeated);
        }

        var answer = action(host);
        var reply = new DataPlaneReply<T> { Value = answer.Value, Refusal = answer.Refusal, Observations = TakeObservations(host) };
        if (key.Length > 0 && answer.Refusal is null)
        {
            host.Repeats.Keep(key, request, reply);
        }

        return Send(http, type, reply);
    }

    /// <summary>The tag is the worker's to say: an Api of another version may know other members of what is shown.</summary>
    private static IResult Send<T>(HttpContext http, JsonTypeInfo<DataPlaneReply<T>> type, DataPlaneReply<T> reply)
        where T : class
    {
        if (ConditionalWrites.TagOf(reply.Value) is { } tag)
        {
            http.Response.Headers.ETag = tag;
        }

        return Results.Json(reply, type, statusCode: StatusOf(reply.Refusal));
    }

    /// <summary>The host of a request, if this worker holds it under the epoch that the Api knows.</summary>
    public LiveHost? Find(HttpContext http, Guid hostId, out RefusalDto refusal)
    {
        refusal = NotReady();
        if (hosts.Find(hostId) is not { } host)
        {
            return null;
        }

        if (!long.TryParse(http.Request.Headers[DataPlaneRoutes.EpochHeader], NumberStyles.None, CultureInfo.InvariantCulture, out var epoch) || epoch != host.Store.Epoch)
        {
            refusal = Fenced(host.Store.Epoch);
            return null;
        }

        return host;
    }

    public static int StatusOf(RefusalDto? refusal) => refusal switch
    {
        null => StatusCodes.Status200OK,
        { Code: "not-found" } => StatusCodes.Status404NotFound,
        { Code: "fenced" } => StatusCodes.Status409Conflict,
        { Code: "precondition-failed" } => StatusCodes.Status412PreconditionFailed,
        { Errno: "EAGAIN" } => StatusCodes.Status503ServiceUnavailable,
        { Errno: "EBUSY" or "EEXIST" or "EIO" or "ENOSPC" } => StatusCodes.Status409Conflict,
        _ => StatusCodes.Status422UnprocessableEntity,
    };

    public static IResult Reply<T>(JsonTypeInfo<DataPlaneReply<T>> type, Answer<T> answer, IReadOnlyList<DimmObservation> observations)
        where T : class =>
        Results.Json(new DataPlaneReply<T> { Value = answer.Value, Refusal = answer.Refusal, Observations = observations }, type, statusCode: StatusOf(answer.Refusal));

    private static RefusalDto NotReady() => Refusals.Of("EAGAIN", "host-not-ready", "The host is not up on this worker yet.");

    private static RefusalDto Fenced(long epoch) => Refusals.Of("ESTALE", "fenced", "The host is held under another epoch.", ("epoch", epoch));
}
