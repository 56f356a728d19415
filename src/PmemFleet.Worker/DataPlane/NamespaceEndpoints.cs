using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;
using PmemFleet.Contracts;
using PmemFleet.Contracts.DataPlane;
using PmemFleet.Contracts.MediaErrors;
using PmemFleet.Contracts.Problems;
using PmemFleet.Worker.Hosts;
using PmemFleet.Worker.Sync;

namespace PmemFleet.Worker.DataPlane;

/// <summary>The block devices of bound namespaces, and the bus's scrub.</summary>
internal static class NamespaceEndpoints
{
    private const long MostBytes = 16 << 20;
    private const int InfoBlockBytes = 8192;

    private static FleetJsonContext Json => FleetJsonContext.Default;

    public static void Map(RouteGroupBuilder host)
    {
        host.MapGet("/namespaces/{dev}/data", ReadDataAsync);
        host.MapPut("/namespaces/{dev}/data", WriteAsync);
        host.MapGet("/namespaces/{dev}/info-block", InfoBlockAsync);
        host.MapGet("/scrub", (HttpContext http, Guid hostId, DataPlaneGate gate) => gate.RunAsync(
            http, hostId, Json.DataPlaneReplyScrubDto, held => new ScrubDto { Count = held.Memory.Dimms.Select(dimm => dimm.ScrubCount).DefaultIfEmpty().Max(), State = "idle" }));
    }

    private static Task<IResult> ReadDataAsync(HttpContext http, Guid hostId, string dev, long offset, long length, DataPlaneGate gate, SyncSignal signal) =>
        ReadAsync(http, hostId, gate, signal, held =>
        {
            if (length is <= 0 or > MostBytes)
            {
                return (null, Refusals.Of("EINVAL", "length-out-of-range", "A request reads 1 byte to 16 MiB.", ("length", length), ("most", MostBytes)) with { Subject = "length" });
            }

            if (Io(held, dev, out var refusal) is not { } io)
            {
                return (null, refusal);
            }

            var bytes = new byte[length];
            refusal = io.Read(offset, bytes);
            return refusal is null ? (bytes, null) : (null, refusal);
        });

    /// <summary>The first 8 KiB of the namespace as they are on the media, whoever has bound it.</summary>
    private static Task<IResult> InfoBlockAsync(HttpContext http, Guid hostId, string dev, DataPlaneGate gate, SyncSignal signal) =>
        ReadAsync(http, hostId, gate, signal, held =>
        {
            if (!held.Bound.TryGetValue(dev, out var bound))
            {
                return (null, Refusals.Of("ENXIO", "not-bound", $"{dev} is not enabled."));
            }

            var bytes = new byte[InfoBlockBytes];
            return bound.Media.TryRead(0, bytes) ? (bytes, null) : (null, Refusals.Of("EIO", "media-error", "The info block is poisoned."));
        });

    private static async Task<IResult> WriteAsync(HttpContext http, Guid hostId, string dev, long offset, DataPlaneGate gate)
    {
        http.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = MostBytes;
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body, http.RequestAborted);
        return await gate.RunAsync(http, hostId, Json.DataPlaneReplyDataWrittenDto, held =>
        {
            if (body.Length is 0 or > MostBytes)
            {
                return Refusals.Of("EINVAL", "length-out-of-range", "A request writes 1 byte to 16 MiB.", ("length", body.Length), ("most", MostBytes)) with { Subject = "length" };
            }

            if (Io(held, dev, out var refusal) is not { } io)
            {
                return refusal!;
            }

            refusal = io.Write(offset, body.GetBuffer().AsSpan(0, (int)body.Length), out var written);
            return refusal is null ? written : refusal;
        });
    }

    /// <summary>An answer of bytes: what the read made known travels in a header.</summary>
    private static async Task<IResult> ReadAsync(
        HttpContext http, Guid hostId, DataPlaneGate gate, SyncSignal signal, Func<LiveHost, (byte[]? Bytes, RefusalDto? Refusal)> read)
    {
        if (gate.Find(http, hostId, out var refused) is not { } host || host.Machine is null)
        {
            return DataPlaneGate.Reply(Json.DataPlaneReplyAcknowledged, new Answer<Acknowledged>(null, refused), []);
        }

        await host.Gate.WaitAsync(http.RequestAborted);
        try
        {
            var (bytes, refusal) = read(host);
            var observations = host.Memory.TakeChanged().Select(dimm => dimm.Observe(host.Store.Epoch)).ToList();
            if (observations.Count > 0)
            {
                signal.Raise();
                var json = JsonSerializer.SerializeToUtf8Bytes(observations, Json.IReadOnlyListDimmObservation);
                http.Response.Headers[DataPlaneRoutes.ObservationsHeader] = Convert.ToBase64String(json);
            }

            return bytes is not null
                ? Results.Bytes(bytes, "application/octet-stream")
                : DataPlaneGate.Reply(Json.DataPlaneReplyAcknowledged, new Answer<Acknowledged>(null, refusal), observations);
        }
        finally
        {
            host.Gate.Release();
        }
    }

    private static INamespaceIo? Io(LiveHost host, string dev, out RefusalDto? refusal)
    {
        if (!host.Bound.TryGetValue(dev, out var bound))
        {
            refusal = Refusals.Of("ENXIO", "not-bound", $"{dev} is not enabled; an enabled raw, fsdax or sector namespace has a block device.");
            return null;
        }

        refusal = bound.Io is null ? Refusals.Of("EINVAL", "no-block-device", $"{dev} is in devdax mode: it is mapped, not read or written (force_raw gives it a block device).") : null;
        return bound.Io;
    }
}
