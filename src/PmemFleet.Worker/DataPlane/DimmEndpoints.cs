using Microsoft.AspNetCore.Http.Features;
using PmemFleet.Contracts;
using PmemFleet.Contracts.DataPlane;
using PmemFleet.Contracts.Problems;
using PmemFleet.Worker.Hosts;
using PmemFleet.Worker.Media;

namespace PmemFleet.Worker.DataPlane;

/// <summary>The whole media of a DIMM, streamed: nothing of it sits in memory.</summary>
internal static class DimmEndpoints
{
    private const int Chunk = 1 << 20;

    private static FleetJsonContext Json => FleetJsonContext.Default;

    public static void Map(RouteGroupBuilder host)
    {
        host.MapGet("/dimms/{dimmId:guid}/media", Download);
        host.MapGet("/dimms/{dimmId:guid}/victims", (HttpContext http, Guid hostId, Guid dimmId, long dpa, long length, DataPlaneGate gate) =>
            gate.RunAsync(http, hostId, Json.DataPlaneReplyMappingVictimsDto, held => VictimsSession.Find(held, dimmId, dpa, length)));
        host.MapPut("/dimms/{dimmId:guid}/media", UploadAsync).DisableRequestTimeout();
    }

    private static IResult Download(HttpContext http, Guid hostId, Guid dimmId, DataPlaneGate gate)
    {
        if (gate.Find(http, hostId, out var refused) is not { } host)
        {
            return Refuse(refused);
        }

        if (host.Memory.FindDimm(dimmId) is not { } dimm)
        {
            return Refuse(Refusals.NotFound($"DIMM {dimmId}"));
        }

        http.Response.ContentLength = dimm.Layout.Capacity;
        return Results.Stream(output => CopyAsync(dimm, output, http.RequestAborted), "application/octet-stream");
    }

    private static async Task CopyAsync(DimmMedia dimm, Stream output, CancellationToken cancellation)
    {
        var buffer = new byte[Chunk];
        for (var dpa = 0L; dpa < dimm.Layout.Capacity;)
        {
            var count = (int)Math.Min(Chunk, dimm.Layout.Capacity - dpa);
            dimm.Read(dpa, buffer.AsSpan(0, count));
            await output.WriteAsync(buffer.AsMemory(0, count), cancellation);
            dpa += count;
        }
    }

    /// <summary>The new image is complete and on the disk before it takes the old one's place; anything else changes nothing.</summary>
    private static async Task<IResult> UploadAsync(HttpContext http, Guid hostId, Guid dimmId, DataPlaneGate gate)
    {
        http.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = null;
        if (gate.Find(http, hostId, out var refused) is not { } host)
        {
            return Refuse(refused);
        }

        if (host.Memory.FindDimm(dimmId) is not { } dimm)
        {
            return Refuse(Refusals.NotFound($"DIMM {dimmId}"));
        }

        if (http.Request.ContentLength is { } announced && announced != dimm.Layout.Capacity)
        {
            return Refuse(WrongSize(announced, dimm));
        }

        var temporary = Path.Combine(host.Store.Folder, $"{Guid.NewGuid():N}.upload");
        try
        {
            var received = await ReceiveAsync(http.Request.Body, temporary, dimm.Layout.Capacity, http.RequestAborted);
            if (received != dimm.Layout.Capacity)
            {
                return Refuse(WrongSize(received, dimm));
            }

            return await gate.RunAsync(http, hostId, Json.DataPlaneReplyAcknowledged, held =>
            {
                if (held.Bound.Count > 0)
                {
                    return Refusals.Of("EBUSY", "namespaces-active", "Namespaces of the host are enabled; an image is imported while they are disabled.");
                }

                if (held.Memory.FindDimm(dimmId) is not { } plugged)
                {
                    return Refusals.NotFound($"DIMM {dimmId}");
                }

                plugged.ReplaceWith(temporary);
                held.Memory.NoteChanged(plugged);
                return new Acknowledged();
            });
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    private static async Task<long> ReceiveAsync(Stream body, string path, long most, CancellationToken cancellation)
    {
        using var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write);
        RandomAccess.SetLength(file, most);
        var buffer = new byte[Chunk];
        var received = 0L;
        int read;
        while ((read = await body.ReadAsync(buffer, cancellation)) > 0)
        {
            if (received + read <= most && buffer.AsSpan(0, read).ContainsAnyExcept((byte)0))
            {
                RandomAccess.Write(file, buffer.AsSpan(0, read), received);
            }

            received += read;
            if (received > most)
            {
                break;
            }
        }

        RandomAccess.FlushToDisk(file);
        return received;
    }

    private static RefusalDto WrongSize(long received, DimmMedia dimm) =>
        Refusals.Of("EINVAL", "image-size", "An image has exactly the DIMM's bytes.", ("received", received), ("capacity", dimm.Layout.Capacity));

    private static IResult Refuse(RefusalDto refusal) => DataPlaneGate.Reply(Json.DataPlaneReplyAcknowledged, new Answer<Acknowledged>(null, refusal), []);
}
