using System.Net.Mime;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Problems;
using PmemFleet.Nvdimm.Labels;

namespace PmemFleet.Api.Dimms;

/// <summary>Label areas out of the database, and bodies of bytes into it.</summary>
public static class LabelReads
{
    public static async Task<IActionResult> LabelsAsync(ControllerBase controller, FleetDbContext db, string host, string dimm, CancellationToken cancellationToken)
    {
        var (row, area) = await FindAsync(db, host, dimm, cancellationToken);
        if (row is null || area is null)
        {
            return Missing(row, dimm);
        }

        controller.Response.Headers.ETag = Etag.Of(row.Id, row.Version);
        return controller.Ok(LabelCommands.ToDto(dimm, area));
    }

    public static async Task<IActionResult> AreaAsync(ControllerBase controller, FleetDbContext db, string host, string dimm, CancellationToken cancellationToken)
    {
        var (row, area) = await FindAsync(db, host, dimm, cancellationToken);
        if (row is null || area is null)
        {
            return Missing(row, dimm);
        }

        controller.Response.Headers.ETag = Etag.Of(row.Id, row.Version);
        return controller.File(area.ToArray(), MediaTypeNames.Application.Octet);
    }

    /// <summary>The DIMM and its label area; the area is null where it has none.</summary>
    public static async Task<(DimmRow? Dimm, LabelArea? Area)> FindAsync(FleetDbContext db, string host, string dimm, CancellationToken cancellationToken)
    {
        if (await DimmProjection.FindRowAsync(db, host, dimm, cancellationToken) is not { } row)
        {
            return (null, null);
        }

        var chunks = await db.Set<LabelChunkRow>().AsNoTracking().Where(chunk => chunk.HostId == row.HostId && chunk.DimmId == row.Id)
            .OrderBy(chunk => chunk.Index).ToListAsync(cancellationToken);
        return (row, row.LabelSize == 0 ? null : new LabelArea(row.LabelSize, chunks.Select(chunk =>
            new LabelChunk(chunk.Index, ImmutableCollectionsMarshal.AsImmutableArray(chunk.Content)))));
    }

    /// <summary>The request's bytes.</summary>
    public static async Task<ReadOnlyMemory<byte>> BodyAsync(ControllerBase controller)
    {
        using var body = new MemoryStream();
        await controller.Request.Body.CopyToAsync(body, controller.HttpContext.RequestAborted);
        return body.GetBuffer().AsMemory(0, (int)body.Length);
    }

    private static IActionResult Missing(DimmRow? row, string dimm) =>
        (row is null ? ProblemResults.NotFound("dimm", dimm) : ProblemResults.NotFound("label-area", dimm)).ToResult();
}
