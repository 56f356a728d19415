using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;
using PmemFleet.Contracts;
using PmemFleet.Contracts.DataPlane;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Problems;
using PmemFleet.Worker.Hosts;
using PmemFleet.Worker.Media;

namespace PmemFleet.Worker.DataPlane;

/// <summary>The block devices of bound namespaces, and the bus's scrub.</summary>
internal static class NamespaceEndpoints
{
    private const long MostBytes = 16 << 20;
    private const int InfoBlockBytes = 4096;
    private const int LongestHeader = 12 << 10;

    private static FleetJsonContext Json => FleetJsonContext.Default;

    public static void Map(RouteGroupBuilder host)
    {
        host.MapGet("/namespaces/{dev}/data", ReadDataAsync);
        host.MapGet("/namespaces/{dev}/info-block", InfoBlockAsync);
        host.MapGet("/scrub", (HttpContext http, Guid hostId, DataPlaneGate gate) => gate.RunAsync(
            http, hostId, Json.DataPlaneReplyScrubDto, held => held.Scrub.Show()));
        MapWrites(host);
    }

    /// <summary>What changes something; as a dry run too.</summary>
    public static void MapWrites(RouteGroupBuilder host) => host.MapPut("/namespaces/{dev}/data", WriteAsync);

    private static Task<IResult> ReadDataAsync(HttpContext http, Guid hostId, string dev, long offset, long length, long? start, Guid? uuid, string? form, DataPlaneGate gate) =>
        ReadAsync(http, hostId, gate, held =>
        {
            if (length is <= 0 or > MostBytes)
            {
                return (null, TooLong("reads", length));
            }

            if (Io(held, dev, (start, uuid, form), out var refusal) is not { } io)
            {
                return (null, refusal);
            }

            var bytes = new byte[length];
            refusal = io.Read(offset, bytes);
            return refusal is null ? (bytes, null) : (null, refusal);
        });

    /// <summary>4 KiB of the namespace as they are on the media, whoever has bound it. Poison in it is not consumed: to look changes nothing.</summary>
    private static Task<IResult> InfoBlockAsync(HttpContext http, Guid hostId, string dev, long offset, DataPlaneGate gate) =>
        ReadAsync(http, hostId, gate, held =>
        {
            if (!held.Bound.TryGetValue(dev, out var bound))
            {
                return (null, Refusals.Of("ENXIO", "not-bound", $"{dev} is not enabled."));
            }

            if (offset < 0 || offset > bound.Step.Size - InfoBlockBytes)
            {
                return (null, Refusals.Of("EINVAL", "outside-namespace", "The block is not in the namespace.", ("offset", offset), ("size", bound.Step.Size)));
            }

            if (held.Memory.FirstPoison(bound.Step.Start + offset, InfoBlockBytes) is not null)
            {
                return (null, Refusals.Of("EIO", "media-error", "The info block is poisoned."));
            }

            var bytes = new byte[InfoBlockBytes];
            held.Memory.Read(bound.Step.Start + offset, bytes);
            return (bytes, null);
        });

    private static async Task<IResult> WriteAsync(HttpContext http, Guid hostId, string dev, long offset, long? start, Guid? uuid, string? form, DataPlaneGate gate)
    {
        if (http.Request.ContentLength > MostBytes)
        {
            return DataPlaneGate.Reply<DataWrittenDto>(Json.DataPlaneReplyDataWrittenDto, TooLong("writes", http.Request.ContentLength.Value), []);
        }

        // one byte more than may be written, so that a longer one is refused by its rule
        http.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = MostBytes + 1;
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body, http.RequestAborted);
        return await gate.RunAsync(http, hostId, Json.DataPlaneReplyDataWrittenDto, held =>
        {
            if (body.Length is 0 or > MostBytes)
            {
                return TooLong("writes", body.Length);
            }

            if (Io(held, dev, (start, uuid, form), out var refusal) is not { } io)
            {
                return refusal!;
            }

            refusal = io.Write(offset, body.GetBuffer().AsSpan(0, (int)body.Length), out var written);
            return refusal is null ? written : refusal;
        });
    }

    /// <summary>An answer of bytes: what the read made known travels in a header, unless it is too long for one; the next sync carries it too.</summary>
    private static async Task<IResult> ReadAsync(HttpContext http, Guid hostId, DataPlaneGate gate, Func<LiveHost, (byte[]? Bytes, RefusalDto? Refusal)> read)
    {
        var (result, refused) = await gate.HoldAsync(http, hostId, host =>
        {
            var (bytes, refusal) = read(host);
            var observations = gate.TakeObservations(host);
            if (bytes is null)
            {
                return DataPlaneGate.Reply(Json.DataPlaneReplyAcknowledged, refusal!, observations);
            }

            if (observations.Count > 0 && JsonSerializer.SerializeToUtf8Bytes(observations, Json.IReadOnlyListDimmObservation) is { Length: <= LongestHeader } json)
            {
                http.Response.Headers[DataPlaneRoutes.ObservationsHeader] = Convert.ToBase64String(json);
            }

            return Results.Bytes(bytes, "application/octet-stream");
        });
        return result ?? DataPlaneGate.Reply(Json.DataPlaneReplyAcknowledged, refused!, []);
    }

    private static RefusalDto TooLong(string verb, long length) =>
        Refusals.Of("EINVAL", "length-out-of-range", $"A request {verb} 1 byte to 16 MiB.", ("length", length), ("most", MostBytes)) with { Subject = "length" };

    /// <summary>
    /// The namespace's block device. Between the caller's look at the rows and this one, a boot may give its name to another namespace, a delete and a
    /// create its name and address, and a reconfiguration may keep all of these and give it another mode: where the caller says at which address its
    /// namespace starts, its uuid, and what it is bound as, nothing else is taken for it.
    /// </summary>
    private static INamespaceIo? Io(LiveHost host, string dev, (long? Start, Guid? Uuid, string? Form) meant, out RefusalDto? refusal)
    {
        if (!host.Bound.TryGetValue(dev, out var bound))
        {
            refusal = Refusals.Of("ENXIO", "not-bound", $"{dev} is not enabled; an enabled raw, fsdax or sector namespace has a block device.");
            return null;
        }

        if ((meant.Start ?? bound.Step.Start, meant.Uuid ?? bound.Step.ParentUuid) != (bound.Step.Start, bound.Step.ParentUuid))
        {
            refusal = Refusals.Of("EAGAIN", "host-not-ready", $"{dev} is another namespace now, or will soon be.");
            return null;
        }

        if (meant.Form is { } form && form != bound.Form)
        {
            refusal = Refusals.Of("EAGAIN", "host-not-ready", $"{dev} has been reconfigured, or will soon be.");
            return null;
        }

        refusal = bound.Io is null ? Refusals.Of("EINVAL", "no-block-device", $"{dev} is in devdax mode: it is mapped, not read or written (force_raw gives it a block device).") : null;
        return host.IsRehearsal ? bound.Io?.Over(new RehearsedMedia(host.Memory, bound.Media)) : bound.Io;
    }
}
