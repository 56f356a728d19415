using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization.Metadata;
using PmemFleet.Contracts.DataPlane;
using PmemFleet.Contracts.Problems;
using PmemFleet.Worker.Hosts;
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

/// <summary>
/// What every data-plane request goes through: the Api's credential, the host and its epoch, one thing at a time on a host, and the
/// DIMM states that the request changed on the way back.
/// </summary>
internal sealed class DataPlaneGate(LiveHosts hosts, SyncSignal signal)
{
    /// <summary>The credential filter of all routes.</summary>
    public async ValueTask<object?> AuthorizeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var given = context.HttpContext.Request.Headers.Authorization.ToString();
        var wanted = hosts.DataPlaneCredential is { } credential ? $"Bearer {credential}" : null;
        return wanted is not null && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given), Encoding.UTF8.GetBytes(wanted))
            ? await next(context)
            : Results.Unauthorized();
    }

    /// <summary>Runs a request on a host.</summary>
    public async Task<IResult> RunAsync<T>(
        HttpContext http, Guid hostId, JsonTypeInfo<DataPlaneReply<T>> type, Func<LiveHost, Answer<T>> action)
        where T : class
    {
        if (Find(http, hostId, out var refusal) is not { } host)
        {
            return Reply(type, new Answer<T>(null, refusal), []);
        }

        await host.Gate.WaitAsync(http.RequestAborted);
        try
        {
            var key = http.Request.Headers[DataPlaneRoutes.IdempotencyHeader].ToString();
            if (key.Length > 0 && host.Repeats.Find<DataPlaneReply<T>>(key) is { } repeated)
            {
                return Results.Json(repeated, type);
            }

            if (host.Machine is null)
            {
                return Reply(type, NotReady(), []);
            }

            var answer = action(host);
            var changed = host.Memory.TakeChanged();
            if (!host.Store.IsCurrent)
            {
                return Reply<T>(type, Fenced(host.Store.Epoch), []);
            }

            if (changed.Count > 0)
            {
                signal.Raise();
            }

            var reply = new DataPlaneReply<T> { Value = answer.Value, Refusal = answer.Refusal, Observations = [.. changed.Select(dimm => dimm.Observe(host.Store.Epoch))] };
            if (key.Length > 0 && answer.Refusal is null)
            {
                host.Repeats.Keep(key, reply);
            }

            return Results.Json(reply, type, statusCode: StatusOf(answer.Refusal));
        }
        finally
        {
            host.Gate.Release();
        }
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
        { Errno: "EAGAIN" } => StatusCodes.Status503ServiceUnavailable,
        { Errno: "EBUSY" or "EEXIST" or "EIO" } => StatusCodes.Status409Conflict,
        _ => StatusCodes.Status422UnprocessableEntity,
    };

    public static IResult Reply<T>(JsonTypeInfo<DataPlaneReply<T>> type, Answer<T> answer, IReadOnlyList<Contracts.Sync.DimmObservation> observations)
        where T : class =>
        Results.Json(new DataPlaneReply<T> { Value = answer.Value, Refusal = answer.Refusal, Observations = observations }, type, statusCode: StatusOf(answer.Refusal));

    private static RefusalDto NotReady() => Refusals.Of("EAGAIN", "host-not-ready", "The host is not up on this worker yet.");

    private static RefusalDto Fenced(long epoch) => Refusals.Of("ESTALE", "fenced", "The host is held under another epoch.", ("epoch", epoch));
}
