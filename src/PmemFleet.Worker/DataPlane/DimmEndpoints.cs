using Microsoft.AspNetCore.Http.Features;
using PmemFleet.Contracts;
using PmemFleet.Contracts.DataPlane;
using PmemFleet.Contracts.Problems;
using PmemFleet.Nvdimm.InfoBlocks;
using PmemFleet.Worker.Hosts;
using PmemFleet.Worker.Media;

namespace PmemFleet.Worker.DataPlane;

/// <summary>The whole media of a DIMM, streamed out, and images streamed in, to be taken by a task.</summary>
internal static class DimmEndpoints
{
    private static FleetJsonContext Json => FleetJsonContext.Default;

    public static void Map(RouteGroupBuilder host)
    {
        host.MapGet("/dimms/{dimmId:guid}/media", Download);
        host.MapGet("/dimms/{dimmId:guid}/victims", (HttpContext http, Guid hostId, Guid dimmId, long dpa, long length, DataPlaneGate gate) =>
            gate.RunAsync(http, hostId, Json.DataPlaneReplyMappingVictimsDto, held => VictimsSession.Find(held, dimmId, dpa, length)));
        host.MapGet("/dimms/{dimmId:guid}/errors", (HttpContext http, Guid hostId, Guid dimmId, long from, int limit, DataPlaneGate gate) =>
            gate.RunAsync(http, hostId, Json.DataPlaneReplyDimmErrorsDto, held => DimmErrors.Page(held, dimmId, from, limit)));
        host.MapPost("/dimms/{dimmId:guid}/hazards", HazardsAsync);
        host.MapPut("/dimms/{dimmId:guid}/images/{imageId:guid}", UploadAsync).DisableRequestTimeout();
        host.MapDelete("/dimms/{dimmId:guid}/images/{imageId:guid}", DropAsync);
    }

    private static IResult Download(HttpContext http, Guid hostId, Guid dimmId, DataPlaneGate gate)
    {
        if (Find(http, hostId, dimmId, gate, out var refused) is not var (_, dimm))
        {
            return Refuse(refused);
        }

        http.Response.ContentLength = dimm.Layout.Capacity;
        return Results.Stream(output => ImageStreams.WriteAsync(dimm, output, http.RequestAborted), "application/octet-stream");
    }

    /// <summary>Looks for info blocks that bring a known kernel down, where namespaces may begin (<see cref="InfoBlockHazards"/>).</summary>
    private static Task<IResult> HazardsAsync(HttpContext http, Guid hostId, Guid dimmId, HazardQuery query, DataPlaneGate gate) =>
        gate.RunAsync(http, hostId, Json.DataPlaneReplyAcknowledged, held =>
        {
            if (held.Memory.FindDimm(dimmId) is not { } dimm)
            {
                return Refusals.NotFound($"DIMM {dimmId}");
            }

            foreach (var start in query.Starts.Where(start => start >= 0 && start < dimm.Layout.Capacity))
            {
                if (InfoBlockHazards.Find(new DimmWindow(dimm, start)) is [var hazard, ..])
                {
                    return Refusals.Of("EBUSY", $"image-hazard-{hazard.Rule}", hazard.Message, ("dpa", start + hazard.Offset), ("externalLbaSize", hazard.Number));
                }
            }

            return new Acknowledged();
        }, poweredOff: true);

    /// <summary>The new image is complete and on the disk when it is acknowledged, and still changes nothing.</summary>
    private static async Task<IResult> UploadAsync(HttpContext http, Guid hostId, Guid dimmId, Guid imageId, DataPlaneGate gate)
    {
        http.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = null;
        if (Find(http, hostId, dimmId, gate, out var refused) is not var (host, dimm))
        {
            return Refuse(refused);
        }

        if (http.Request.ContentLength is { } announced && announced != dimm.Layout.Capacity)
        {
            return Refuse(WrongSize(announced, dimm));
        }

        var staged = new StagedImages(host.Store.Folder, dimmId, host.Store.Fence);
        var path = staged.UploadPath(imageId);
        try
        {
            var received = await ImageStreams.ReadAsync(http.Request.Body, path, dimm.Layout.Capacity, host.Store.Room, http.RequestAborted);
            if (received != dimm.Layout.Capacity)
            {
                return Refuse(WrongSize(received, dimm));
            }

            return await gate.RunAsync(http, hostId, Json.DataPlaneReplyAcknowledged, _ =>
            {
                staged.Stage(imageId);
                return new Acknowledged();
            });
        }
        catch (FencedException)
        {
            return Refuse(Refusals.Of("ESTALE", "fenced", "The host is held under another epoch.", ("epoch", host.Store.Epoch)));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // or the caller is gone, and nobody reads this
            return Refuse(DataPlaneGate.Unavailable(failure));
        }
        finally
        {
            DurableFile.TryDelete(path);
        }
    }

    private static Task<IResult> DropAsync(HttpContext http, Guid hostId, Guid dimmId, Guid imageId, DataPlaneGate gate) =>
        gate.RunAsync(http, hostId, Json.DataPlaneReplyAcknowledged, held =>
        {
            new StagedImages(held.Store.Folder, dimmId, held.Store.Fence).Drop(imageId);
            return new Acknowledged();
        });

    private static (LiveHost Host, DimmMedia Dimm)? Find(HttpContext http, Guid hostId, Guid dimmId, DataPlaneGate gate, out RefusalDto refused)
    {
        if (gate.Find(http, hostId, out refused) is not { } host)
        {
            return null;
        }

        refused = Refusals.NotFound($"DIMM {dimmId}");
        return host.Memory.FindDimm(dimmId) is { } dimm ? (host, dimm) : null;
    }

    private static RefusalDto WrongSize(long received, DimmMedia dimm) =>
        Refusals.Of("EINVAL", "image-size", "An image has exactly the DIMM's bytes.", ("received", received), ("capacity", dimm.Layout.Capacity));

    private static IResult Refuse(RefusalDto refusal) => DataPlaneGate.Reply(Json.DataPlaneReplyAcknowledged, new Answer<Acknowledged>(null, refusal), []);
}
