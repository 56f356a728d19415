using Microsoft.AspNetCore.Http.Features;
using PmemFleet.Contracts;
using PmemFleet.Contracts.DataPlane;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Sync;
using PmemFleet.Nvdimm.Btt;
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
        host.MapPut("/dimms/{dimmId:guid}/media/{stage:guid}", StageAsync).DisableRequestTimeout();
        host.MapDelete("/dimms/{dimmId:guid}/media/{stage:guid}", Unstage);
        host.MapPost("/dimms/{dimmId:guid}/hazards", FindHazards);
        host.MapGet("/dimms/{dimmId:guid}/victims", (HttpContext http, Guid hostId, Guid dimmId, long dpa, long length, DataPlaneGate gate) =>
            gate.RunAsync(http, hostId, Json.DataPlaneReplyMappingVictimsDto, held => VictimsSession.Find(held, dimmId, dpa, length)));
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

    /// <summary>An image is complete and on the disk beside the media; a task of the host puts it in its place (<see cref="TakeImageStep"/>).</summary>
    private static async Task<IResult> StageAsync(HttpContext http, Guid hostId, Guid dimmId, Guid stage, DataPlaneGate gate)
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

        var temporary = Path.Combine(host.Store.Folder, $"{stage:N}.upload");
        try
        {
            var received = await ReceiveAsync(http.Request.Body, temporary, dimm.Layout.Capacity, http.RequestAborted);
            if (received != dimm.Layout.Capacity)
            {
                return Refuse(WrongSize(received, dimm));
            }

            // an epoch that is over must not stage for the next one
            host.Store.Fence.Demand();
            File.Move(temporary, StagedImages.PathOf(host.Store.Folder, dimmId, stage), overwrite: true);
            Libc.SyncFolder(host.Store.Folder);
            return DataPlaneGate.Reply(Json.DataPlaneReplyAcknowledged, new Acknowledged(), []);
        }
        catch (FencedException)
        {
            return Refuse(Refusals.Of("ESTALE", "fenced", "The host is held under another epoch.", ("epoch", host.Store.Epoch)));
        }
        catch (IOException failure) when (!http.RequestAborted.IsCancellationRequested)
        {
            return Refuse(Refusals.Of("EAGAIN", "media-unavailable", $"The worker's media store failed: {failure.Message}"));
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>An image that is not wanted after all.</summary>
    private static IResult Unstage(HttpContext http, Guid hostId, Guid dimmId, Guid stage, DataPlaneGate gate)
    {
        if (gate.Find(http, hostId, out var refused) is not { } host)
        {
            return Refuse(refused);
        }

        File.Delete(StagedImages.PathOf(host.Store.Folder, dimmId, stage));
        return DataPlaneGate.Reply(Json.DataPlaneReplyAcknowledged, new Acknowledged(), []);
    }

    private static IResult FindHazards(HttpContext http, Guid hostId, Guid dimmId, InfoBlockPlaces places, DataPlaneGate gate)
    {
        if (gate.Find(http, hostId, out var refused) is not { } host)
        {
            return Refuse(refused);
        }

        if (host.Memory.FindDimm(dimmId) is not { } dimm)
        {
            return Refuse(Refusals.NotFound($"DIMM {dimmId}"));
        }

        var block = new byte[BttInfoBlock.SizeBytes];
        var found = new List<InfoBlockHazardDto>();
        foreach (var dpa in places.Dpas.Where(dpa => dpa >= 0 && dpa <= dimm.Layout.Capacity - block.Length))
        {
            dimm.Read(dpa, block);
            if (PmemFleet.Nvdimm.InfoBlocks.InfoBlockHazards.Find(block) is { } hazard)
            {
                found.Add(new InfoBlockHazardDto(dpa, hazard.Rule, hazard.Message));
            }
        }

        return DataPlaneGate.Reply(Json.DataPlaneReplyInfoBlockHazards, new InfoBlockHazards { Found = found }, []);
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
