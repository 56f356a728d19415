using System.Globalization;
using System.Net.Mime;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.DataPlane;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Problems;
using PmemFleet.Api.Regions;
using PmemFleet.Contracts.DataPlane;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Sync;
using PmemFleet.Nvdimm.Btt;
using PmemFleet.Nvdimm.Labels;

namespace PmemFleet.Api.Dimms;

/// <summary>A DIMM's QEMU backing file: the worker has the data, the database the labels.</summary>
public sealed class DimmImage(FleetDbContext db, DataPlaneProxy worker, FleetWrite write, TimeProvider time)
{
    private static readonly TimeSpan UploadTimeout = TimeSpan.FromHours(1);

    public async Task<IActionResult> ExportAsync(ControllerBase controller, string host, string dimm, CancellationToken cancellationToken)
    {
        var (row, area) = await LabelReads.FindAsync(db, host, dimm, cancellationToken);
        if (row is null)
        {
            return ProblemResults.NotFound("dimm", dimm).ToResult();
        }

        // switched off is the quietest that a host can be: the image of one that runs is what a power cut would leave
        var (target, refusal) = await worker.FindAsync(host, cancellationToken, poweredOff: true);
        if (target is null)
        {
            return refusal!.ToResult();
        }

        if (await HazardAsync(target, row, area, cancellationToken) is { } hazard)
        {
            return hazard;
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

        var (target, refusal) = await worker.FindAsync(host, cancelled, poweredOff: true);
        if (target is null)
        {
            return refusal!.ToResult();
        }

        // the data waits beside the media until its labels are here and both are taken in one transaction: half an image changes nothing
        var stage = Guid.CreateVersion7(time.GetUtcNow());
        var staged = $"dimms/{row.Id:D}/media/{stage:D}";
        var data = new LeadingBytesStream(http.Request.Body, row.Capacity);
        var answer = await worker.Client.UploadAsync<Acknowledged>(target, staged, data, row.Capacity, UploadTimeout, cancelled);
        if (answer.Refusal is not null)
        {
            return DataPlaneProxy.RefusalOf(answer);
        }

        var labels = await LabelReads.RestOfBodyAsync(controller);
        var result = await write.ExecuteAsync(controller, host, aggregate => Take(aggregate, dimm, stage, labels), poweredOff: true);
        if (result is WriteAnswerResult { Answer: { Problem: not null, OperationId: null } })
        {
            _ = await worker.Client.SendAsync<Acknowledged>(target, HttpMethod.Delete, staged, null, null, CancellationToken.None);
        }

        return result;
    }

    private static WriteOutcome Take(HostAggregate host, string dimm, Guid stage, ReadOnlyMemory<byte> labels)
    {
        if (host.FindDimm(dimm) is not { } row)
        {
            return WriteOutcome.NotFound("dimm", dimm);
        }

        if (host.Bus.Regions.FirstOrDefault(region => region.Enabled && region.Mappings.Any(mapping => mapping.Dimm.Name == dimm)) is { } user)
        {
            return Refusals.Busy("dimm-active", $"{dimm}: {user.Name} is enabled; disable it first.");
        }

        if (labels.IsEmpty)
        {
            if (host.IfMatch(row.Id, row.Version) is { } stale)
            {
                return stale;
            }
        }
        else if (LabelCommands.Import(host, dimm, labels) is WriteOutcome.Refused refused)
        {
            return refused;
        }

        host.Event("dimm.imported", dimm);
        return host.Enqueue(
            OperationKinds.ImportImage, dimm, [new TakeImageStep { DimmId = row.Id, Stage = stage }], null, StatusCodes.Status204NoContent);
    }

    /// <summary>Looks where a kernel would find info blocks: at the start of each label's extent and of the DIMM's part of each region.</summary>
    private async Task<IActionResult?> HazardAsync(WorkerTarget target, DimmRow row, LabelArea? area, CancellationToken cancellationToken)
    {
        var starts = await db.Set<RegionMappingRow>().Where(mapping => mapping.HostId == row.HostId && mapping.DimmId == row.Id)
            .Select(mapping => mapping.DpaStart).ToListAsync(cancellationToken);
        if (area is not null && DimmLabels.Probe(0, area).TryGet(out var labels, out _) && labels.HasIndex)
        {
            starts.AddRange(labels.Active().Where(label => label.Dpa <= long.MaxValue).Select(label => (long)label.Dpa));
        }

        long[] places = [.. starts.Distinct().SelectMany(start => new[] { start, start + BttInfoBlock.SizeBytes })];
        var answer = await worker.Client.SendAsync<InfoBlockHazards>(target, HttpMethod.Post, $"dimms/{row.Id:D}/hazards", new InfoBlockPlaces { Dpas = places }, null, cancellationToken);
        if (answer.Value is not { } hazards)
        {
            return DataPlaneProxy.RefusalOf(answer);
        }

        return hazards.Found is not [var first, ..] ? null : new RefusalDto
        {
            Errno = "EPERM",
            Code = "image-hazard",
            Message = $"The image is not given out: at DPA 0x{first.Dpa:x} is {first.Message}. Zero that block, or make the namespace anew, and export again.",
            Numbers = new Dictionary<string, string> { ["dpa"] = first.Dpa.ToString(CultureInfo.InvariantCulture), ["hazards"] = hazards.Found.Count.ToString(CultureInfo.InvariantCulture) },
        }.ToResult(StatusCodes.Status409Conflict);
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
