using System.IO.Compression;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Campaigns;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Sync;
using PmemFleet.Nvdimm.Campaigns;

namespace PmemFleet.Api.Campaigns;

/// <summary>Collects the parts of a campaign as hosts finish them; with the last one the logs are merged, and the operation ends.</summary>
public sealed class CampaignCompletion : ITaskCompletion
{
    public IReadOnlyCollection<string> Kinds => [OperationKinds.Campaign];

    public async Task CompleteAsync(FleetDbContext db, IReadOnlyList<FinishedTask> tasks, CancellationToken cancellationToken)
    {
        foreach (var ofCampaign in tasks.GroupBy(task => task.Operation.Id).OrderBy(group => group.Key))
        {
            // locked: whoever comes second sees the parts of the first, and one of them is the last
            var campaign = (await db.Set<CampaignRow>().FromSql($"SELECT * FROM campaigns WHERE operation_id = {ofCampaign.Key} FOR UPDATE").AsTracking().ToListAsync(cancellationToken)).Single();
            await AddAsync(db, campaign, [.. ofCampaign], cancellationToken);
        }
    }

    private static async Task AddAsync(FleetDbContext db, CampaignRow campaign, List<FinishedTask> tasks, CancellationToken cancellationToken)
    {
        RefusalDto? refused = null;
        foreach (var task in tasks)
        {
            var refusal = task.Refusal;
            if (task.Given is [StepCampaign done] && (refusal = CampaignParts.Check(done.Part, (CampaignStep)task.Steps[0], task.Host.Name)) is null)
            {
                db.Add(new CampaignPartRow { CampaignId = campaign.Id, TaskId = task.Task.Id, Part = JsonSerializer.Serialize(done.Part, FleetJsonContext.Default.CampaignPartDto) });
                campaign.HostsDone++;
            }
            else
            {
                refused = refusal;
            }

            campaign.Cancelled |= task.IsCancelled;
        }

        await db.SaveChangesAsync(cancellationToken);
        Guid[] these = [.. tasks.Select(task => task.Task.Id)];
        if (await db.Tasks.AnyAsync(task => task.OperationId == campaign.OperationId && !task.Done && !these.Contains(task.Id), cancellationToken))
        {
            var progress = (double)campaign.HostsDone / campaign.Hosts;
            await db.Operations.Where(row => row.Id == campaign.OperationId).ExecuteUpdateAsync(set => set.SetProperty(row => row.Progress, progress), cancellationToken);
            tasks.ForEach(task => task.Continue());
            return;
        }

        await EndAsync(db, campaign, tasks, refused, cancellationToken);
    }

    private static async Task EndAsync(
        FleetDbContext db, CampaignRow campaign, List<FinishedTask> tasks, RefusalDto? refused, CancellationToken cancellationToken)
    {
        if (campaign.Cancelled)
        {
            tasks.ForEach(task => task.Cancel());
        }
        else if (campaign.HostsDone == 0 && refused is not null)
        {
            tasks.ForEach(task => task.Fail(refused));
        }
        else
        {
            var texts = await db.Set<CampaignPartRow>().AsNoTracking().Where(row => row.CampaignId == campaign.Id).Select(row => row.Part).ToListAsync(cancellationToken);
            Merge(campaign, texts.ConvertAll(text => JsonSerializer.Deserialize(text, FleetJsonContext.Default.CampaignPartDto)!));
            await db.SaveChangesAsync(cancellationToken);
            var shown = CampaignProjection.ToDto(campaign, OperationRow.Succeeded);

            // read under the campaign's lock: a part that came with another sync may have raised it since this one looked. Its end raises it once more
            var version = await db.Operations.Where(row => row.Id == campaign.OperationId).Select(row => row.Version).SingleAsync(cancellationToken) + 1;
            tasks.ForEach(task => task.Succeed(shown, Etag.Of(campaign.Id, version)));
        }

        await db.Set<CampaignPartRow>().Where(row => row.CampaignId == campaign.Id).ExecuteDeleteAsync(cancellationToken);
    }

    private static void Merge(CampaignRow campaign, List<CampaignPartDto> parts)
    {
        var summary = new CampaignSummary();
        parts.ForEach(part => summary.Add(CampaignProjection.ToSummary(part.Summary)));
        using var compressed = new MemoryStream();
        byte[] hash;
        long bytes;
        using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest, leaveOpen: true))
        using (var counted = new CountingStream(gzip))
        {
            hash = CampaignLog.Merge(parts.Where(part => part.Log is not null).Select(part => new GZipStream(new MemoryStream(part.Log!), CompressionMode.Decompress)), counted);
            bytes = counted.Written;
        }

        campaign.Log = compressed.ToArray();
        campaign.Result = JsonSerializer.Serialize(CampaignProjection.ToResult(summary, hash, bytes), FleetJsonContext.Default.CampaignResultDto);
    }
}
