using System.Globalization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.DataPlane;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts.Hosts;
using PmemFleet.Contracts.Problems;

namespace PmemFleet.Api.Hosts;

/// <summary>
/// Holds the rows against their sources: the label areas, probed anew as a driver would, and the info blocks, read through the worker.
/// </summary>
public sealed class CheckHost(FleetDbContext db, DataPlaneProxy worker)
{
    public async Task<IActionResult> ExecuteAsync(string host, CancellationToken cancellationToken)
    {
        if (await db.Hosts.AsNoTracking().SingleOrDefaultAsync(row => row.Name == host, cancellationToken) is not { } found)
        {
            return ProblemResults.NotFound("host", host).ToResult();
        }

        var rows = (await HostRows.LoadAsync(db, [found], withLabels: true, cancellationToken))[0];
        var differences = LabelCheck.Compare(rows);
        var (read, blocks, refusal) = await CheckInfoBlocksAsync(rows, cancellationToken);
        if (refusal is not null)
        {
            return ProblemResults.ToResult(refusal);
        }

        return new OkObjectResult(new HostCheckDto
        {
            Host = host,
            LabelAreas = rows.Dimms.Count(dimm => dimm.LabelSize > 0),
            InfoBlocks = read,
            Differences = [.. differences, .. blocks],
        });
    }

    private async Task<(int Read, List<HostDifferenceDto> Differences, RefusalDto? Refusal)> CheckInfoBlocksAsync(HostRows rows, CancellationToken cancellationToken)
    {
        var (target, unreachable) = await worker.FindAsync(rows.Host.Name, cancellationToken);
        var read = 0;
        var differences = new List<HostDifferenceDto>();
        if (target is null)
        {
            // a host that is off has no info blocks to show; one that is on has a worker soon
            return (0, differences, unreachable is { Code: "host-off" } ? null : unreachable);
        }

        if (rows.Host.State != HostRow.Ready || rows.Host.Epoch != target.Epoch)
        {
            // namespaces are not bound yet, or not on that worker: to compare nothing would look as if all agreed
            return (0, differences, WorkerRefusals.HostNotReady(rows.Host.Name, "it is booting"));
        }

        foreach (var row in rows.Namespaces.Where(row => row.State == Namespaces.NamespaceRow.Enabled))
        {
            var region = rows.Regions.First(candidate => candidate.Id == row.RegionId);
            var name = string.Create(CultureInfo.InvariantCulture, $"namespace{region.Number}.{row.Number}");
            var claim = rows.Personalities.Find(personality => personality.RegionId == row.RegionId && personality.NamespaceNumber == row.Number);
            RefusalDto? refusal = null;
            differences.AddRange(await InfoBlockCheck.CompareAsync(name, row, claim, async offset =>
            {
                if (refusal is not null)
                {
                    return null;
                }

                var path = string.Create(CultureInfo.InvariantCulture, $"namespaces/{name}/info-block?offset={offset}");
                var answer = await worker.Client.DownloadAsync(target, path, cancellationToken);
                if (answer.Value is not { } response)
                {
                    // a poisoned block is no difference: nobody can say what it holds
                    refusal = answer.Refusal is { Errno: "EIO" } ? null : answer.Refusal;
                    return null;
                }

                using (response)
                {
                    read++;
                    return await response.Content.ReadAsByteArrayAsync(cancellationToken);
                }
            }));
            switch (refusal)
            {
                case { Errno: "EAGAIN" } or { Code: "fenced" }:
                    return (read, differences, refusal);
                case { Code: "not-bound" }:
                    differences.Add(new HostDifferenceDto { Subject = name, Field = "state", OnMedia = "not bound", InRows = row.State });
                    break;
            }
        }

        return (read, differences, null);
    }
}
