using System.Net.Mime;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.DataPlane;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Problems;
using PmemFleet.Api.Regions;
using PmemFleet.Contracts.DataPlane;

namespace PmemFleet.Api.Dimms;

/// <summary>A DIMM's QEMU backing file: the worker has the data, the database the labels.</summary>
public sealed class DimmImage(FleetDbContext db, DataPlaneProxy worker, FleetWrite write)
{
    private static readonly TimeSpan UploadTimeout = TimeSpan.FromHours(1);

    public async Task<IActionResult> ExportAsync(ControllerBase controller, string host, string dimm, CancellationToken cancellationToken)
    {
        var (row, area) = await LabelReads.FindAsync(db, host, dimm, cancellationToken);
        if (row is null)
        {
            return ProblemResults.NotFound("dimm", dimm).ToResult();
        }

        var (target, refusal) = await worker.FindAsync(host, cancellationToken);
        if (target is null)
        {
            return refusal!.ToResult();
        }

        var answer = await worker.Client.DownloadAsync(target, $"dimms/{row.Id:D}/media", cancellationToken);
        return answer.Value is { } media
            ? new ImageResult(media, row.Capacity, area?.ToArray() ?? [], Etag.Of(row.Id, row.Version))
            : DataPlaneProxy.RefusalOf(answer);
    }

    public async Task<IActionResult> ImportAsync(ControllerBase controller, string host, string dimm)
    {
        var http = controller.HttpContext;
        var cancelled = http.RequestAborted;
        if (await DimmProjection.FindRowAsync(db, host, dimm, cancelled) is not { } row)
        {
            return ProblemResults.NotFound("dimm", dimm).ToResult();
        }

        var expected = row.Capacity + row.LabelSize;
        if (http.Request.ContentLength != expected)
        {
            return Refusals.Invalid("image-length", "#/header/Content-Length", $"The image of {dimm} has {expected} bytes: its capacity and its label area.", $"{expected}")
                .With("bytes", http.Request.ContentLength ?? -1).ToResult();
        }

        if (Etag.Check(http.Request, Etag.Of(row.Id, row.Version)) is { } stale)
        {
            return stale.ToResult();
        }

        if (await UserAsync(row, cancelled) is { } region)
        {
            return Refusals.Busy("dimm-active", $"{dimm}: region{region} is enabled; disable it first.").ToResult();
        }

        var (target, refusal) = await worker.FindAsync(host, cancelled);
        if (target is null)
        {
            return refusal!.ToResult();
        }

        var data = new LeadingBytesStream(http.Request.Body, row.Capacity);
        var answer = await worker.Client.UploadAsync<Acknowledged>(target, $"dimms/{row.Id:D}/media", data, row.Capacity, UploadTimeout, cancelled);
        if (answer.Refusal is not null)
        {
            return DataPlaneProxy.RefusalOf(answer);
        }

        await worker.ApplyAsync(answer.Observations);
        var labels = await LabelReads.RestOfBodyAsync(controller);
        return await write.ExecuteAsync(controller, host, aggregate => Labels(aggregate, dimm, labels));
    }

    private static WriteOutcome Labels(HostAggregate host, string dimm, ReadOnlyMemory<byte> labels)
    {
        // the tag was compared before the data went out; nobody else can have it both ways
        _ = host.FindDimm(dimm) is { } row ? host.IfMatch(row.Id, row.Version) : null;
        if (labels.IsEmpty)
        {
            host.Event("dimm.imported", dimm);
            return new WriteOutcome.NoContent();
        }

        return LabelCommands.Import(host, dimm, labels) is WriteOutcome.Refused refused ? refused : new WriteOutcome.NoContent();
    }

    private Task<int?> UserAsync(DimmRow dimm, CancellationToken cancellationToken) => (
        from mapping in db.Set<RegionMappingRow>()
        join region in db.Set<RegionRow>() on new { mapping.HostId, Id = mapping.RegionId } equals new { region.HostId, region.Id }
        where mapping.HostId == dimm.HostId && mapping.DimmId == dimm.Id && region.Enabled
        select (int?)region.Number).FirstOrDefaultAsync(cancellationToken);
}

/// <summary>Data as it comes from the worker, then the labels.</summary>
public sealed class ImageResult(HttpResponseMessage media, long capacity, byte[] labels, string etag) : ActionResult
{
    public override async Task ExecuteResultAsync(ActionContext context)
    {
        using (media)
        {
            var http = context.HttpContext;
            http.Response.ContentType = MediaTypeNames.Application.Octet;
            http.Response.ContentLength = capacity + labels.Length;
            http.Response.Headers.ETag = etag;
            await media.Content.CopyToAsync(http.Response.Body, http.RequestAborted);
            await http.Response.Body.WriteAsync(labels, http.RequestAborted);
        }
    }
}
