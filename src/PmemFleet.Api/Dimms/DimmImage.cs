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
using PmemFleet.Nvdimm.Labels;

namespace PmemFleet.Api.Dimms;

/// <summary>
/// A DIMM's QEMU backing file: the worker has the data, the database the labels. An import is staged by the worker first; then one
/// transaction writes the labels and the task that takes the staged data. Whatever ends before that transaction changes nothing.
/// </summary>
public sealed class DimmImage(FleetDbContext db, DataPlaneProxy worker, FleetWrite write)
{
    private static readonly TimeSpan UploadTimeout = TimeSpan.FromHours(6);

    public async Task<IActionResult> ExportAsync(string host, string dimm, CancellationToken cancelled)
    {
        var (row, area) = await LabelReads.FindAsync(db, host, dimm, cancelled);
        if (row is null)
        {
            return ProblemResults.NotFound("dimm", dimm).ToResult();
        }

        if (await IsBeingImportedAsync(row, dimm, cancelled))
        {
            return ImportRuns(dimm).ToResult();
        }

        // a DIMM keeps its bytes without power
        var (target, refusal) = await worker.FindAsync(host, cancelled, poweredOff: true);
        if (target is null)
        {
            return refusal!.ToResult();
        }

        var starts = new HazardQuery { Starts = await StartsAsync(row, area, cancelled) };
        var safe = await worker.Client.SendAsync<Acknowledged>(target, HttpMethod.Post, $"dimms/{row.Id:D}/hazards", starts, null, cancelled);
        if (safe.Refusal is { } found)
        {
            return found.Code.StartsWith("image-hazard", StringComparison.Ordinal) ? Hazard(dimm, found).ToResult(StatusCodes.Status409Conflict) : DataPlaneProxy.RefusalOf(safe);
        }

        var answer = await worker.Client.DownloadAsync(target, $"dimms/{row.Id:D}/media", cancelled);
        if (answer.Value is not { } media)
        {
            return DataPlaneProxy.RefusalOf(answer);
        }

        if (media.Content.Headers.ContentLength != row.Capacity)
        {
            media.Dispose();
            return WorkerRefusals.Unreachable(target, $"its media of {dimm} has another size").ToResult();
        }

        return new ImageResult(media, row.Capacity, area?.ToArray() ?? [], Etag.Of(row.Id, row.Version));
    }

    public async Task<IActionResult> ImportAsync(ControllerBase controller, string host, string dimm)
    {
        var http = controller.HttpContext;
        var cancelled = http.RequestAborted;
        if (await DimmProjection.FindRowAsync(db, host, dimm, cancelled) is not { } row)
        {
            return ProblemResults.NotFound("dimm", dimm).ToResult();
        }

        if (Refuse(http.Request, row, dimm) is { } refused)
        {
            return refused;
        }

        if (await UserAsync(row, cancelled) is { } region)
        {
            return Active(dimm, $"region{region}").ToResult();
        }

        var (target, refusal) = await worker.FindAsync(host, cancelled);
        if (target is null)
        {
            return refusal!.ToResult();
        }

        var image = Guid.CreateVersion7();
        var staged = $"dimms/{row.Id:D}/images/{image:D}";
        var isQueued = false;
        try
        {
            var data = new LeadingBytesStream(http.Request.Body, row.Capacity);
            var answer = await worker.Client.UploadAsync<Acknowledged>(target, staged, data, row.Capacity, UploadTimeout, cancelled);
            if (answer.Refusal is not null)
            {
                return DataPlaneProxy.RefusalOf(answer);
            }

            var labels = new byte[row.LabelSize];
            await http.Request.Body.ReadExactlyAsync(labels, cancelled);
            return await write.ExecuteAsync(controller, host, aggregate =>
            {
                isQueued = false;
                var outcome = Take(aggregate, dimm, row, image, labels);
                isQueued = outcome is WriteOutcome.Accepted && !QueryConventions.IsDryRun(http.Request);
                return outcome;
            });
        }
        catch (Exception ended) when (!isQueued && ended is EndOfStreamException or BadHttpRequestException)
        {
            return Refusals.Invalid("image-truncated", "#/body", "The image ended before its last byte; nothing was changed.").ToResult();
        }
        finally
        {
            if (!isQueued)
            {
                await worker.Client.SendAsync<Acknowledged>(target, HttpMethod.Delete, staged, null, null, CancellationToken.None);
            }
        }
    }

    private static IActionResult? Refuse(HttpRequest request, DimmRow row, string dimm)
    {
        var expected = row.Capacity + row.LabelSize;
        return request.ContentLength != expected
            ? Refusals.Invalid("image-length", "#/header/Content-Length", $"The image of {dimm} has {expected} bytes: its capacity and its label area.", $"{expected}")
                .With("bytes", request.ContentLength ?? -1).With("capacity", row.Capacity).With("labelSize", row.LabelSize).ToResult()
            : Etag.Check(request, Etag.Of(row.Id, row.Version))?.ToResult();
    }

    /// <summary>The labels, and the task that puts the data beneath them; what is enabled afterwards is bound behind that task.</summary>
    private static WriteOutcome Take(HostAggregate host, string dimm, DimmRow expected, Guid image, byte[] labels)
    {
        if (host.FindDimm(dimm) is not { } row || row.Id != expected.Id)
        {
            return WriteOutcome.NotFound("dimm", dimm);
        }

        if (host.IfMatch(row.Id, row.Version) is { } stale)
        {
            return stale;
        }

        if (host.Bus.Regions.FirstOrDefault(region => region.Enabled && region.Mappings.Any(mapping => mapping.Dimm.Name == dimm)) is { } user)
        {
            return Active(dimm, user.Name);
        }

        if (labels.Length > 0 && LabelCommands.Import(host, dimm, labels) is WriteOutcome.Refused refused)
        {
            return refused;
        }

        host.Event("dimm.imported", dimm);
        return host.Enqueue(
            OperationKinds.ImportImage, dimm, [new TakeImageStep { DimmId = row.Id, ImageId = image }], $"/v1/hosts/{host.Name}/dimms/{dimm}", StatusCodes.Status204NoContent);
    }

    /// <summary>Where namespaces may begin, by DPA: at the DIMM's and its regions' first byte, and wherever a label says.</summary>
    private async Task<IReadOnlyList<long>> StartsAsync(DimmRow dimm, LabelArea? area, CancellationToken cancelled)
    {
        var regions = await db.Set<RegionMappingRow>().Where(mapping => mapping.HostId == dimm.HostId && mapping.DimmId == dimm.Id)
            .Select(mapping => mapping.DpaStart).ToListAsync(cancelled);
        var labels = area is not null && DimmLabels.Probe(dimm.Number, area).TryGet(out var probed, out _)
            ? probed.Active().Select(label => (long)label.Dpa)
            : [];
        return [.. regions.Append(0).Concat(labels).Distinct()];
    }

    private Task<bool> IsBeingImportedAsync(DimmRow dimm, string name, CancellationToken cancelled) => db.Tasks.AnyAsync(
        task => task.HostId == dimm.HostId && !task.Done && task.Kind == OperationKinds.ImportImage && db.Operations.Any(row => row.Id == task.OperationId && row.Subject == name),
        cancelled);

    private Task<int?> UserAsync(DimmRow dimm, CancellationToken cancelled) => (
        from mapping in db.Set<RegionMappingRow>()
        join region in db.Set<RegionRow>() on new { mapping.HostId, Id = mapping.RegionId } equals new { region.HostId, region.Id }
        where mapping.HostId == dimm.HostId && mapping.DimmId == dimm.Id && region.Enabled
        select (int?)region.Number).FirstOrDefaultAsync(cancelled);

    private static RefusalDto Active(string dimm, string region) => Refusals.Busy("dimm-active", $"{dimm}: {region} is enabled; disable it first.");

    private static RefusalDto ImportRuns(string dimm) => Refusals.Busy("image-import-runs", $"{dimm}: an image is being imported; its operation ends first.");

    private static RefusalDto Hazard(string dimm, RefusalDto found) => found with
    {
        Message = $"{dimm}: {found.Message}, so this image is not exported. Destroy the namespace that has the block, or write zeroes over its 4096 bytes through a raw namespace, and export again.",
    };
}
