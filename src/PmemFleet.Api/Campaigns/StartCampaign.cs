using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Namespaces;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Campaigns;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Campaigns;

/// <summary>Starts a campaign: one operation, and a task for each host that it is about.</summary>
public sealed class StartCampaign(OperationQueue queue)
{
    private const int MostHosts = 20_000;
    private const double MostErrors = 5_000_000;
    private const double MostErrorsOfAHost = 400_000;

    public async Task<WriteOutcome> RunAsync(FleetWriteContext context, CreateCampaignRequest request)
    {
        if (CampaignCheck.Refuse(request) is { } refusal)
        {
            return refusal;
        }

        var db = context.Db;
        var selector = request.LabelSelector is { } text ? LabelSelector.Parse(text, null) : null;
        var names = request.Hosts;
        Guid[] ids = [.. await HostSelection.Select(db, null, selector).Where(host => names == null || names.Contains(host.Name)).OrderBy(host => host.Id)
            .Select(host => host.Id).Take(MostHosts + 1).ToListAsync(context.Cancelled)];
        var hosts = await HostRows.LoadAsync(db, await db.LockHostsAsync(ids, context.Cancelled), withLabels: false, context.Cancelled);
        hosts = [.. hosts.Where(rows => rows.Dimms.Count > 0)];
        if (hosts.Count == 0 || ids.Length > MostHosts)
        {
            return Refusals.Invalid("no-target", names is null ? "labelSelector" : "hosts", "A campaign is about 1 to 20,000 hosts that have DIMMs.").With("hosts", hosts.Count);
        }

        var perDimm = request.Sources!.Sum(source => CampaignCheck.Expected(source, request.DurationSeconds!.Value));
        if (perDimm * hosts.Sum(rows => rows.Dimms.Count) > MostErrors || perDimm * hosts.Max(rows => rows.Dimms.Count) > MostErrorsOfAHost)
        {
            return Refusals.Invalid("too-many-errors", "sources", "A campaign makes at most 5,000,000 errors, and 400,000 on a host.")
                .With("expected", (long)(perDimm * hosts.Sum(rows => rows.Dimms.Count)));
        }

        var operation = new OperationRow
        {
            Id = context.NewId(),
            Kind = OperationKinds.Campaign,
            Subject = request.Name,
            ResourceLocation = null,
            SuccessStatus = StatusCodes.Status200OK,
            Actor = context.Actor,
            CreatedAt = context.Now,
        };
        context.Changes.Add(operation);
        db.Add(new CampaignRow
        {
            Id = context.NewId(),
            OperationId = operation.Id,
            Request = JsonSerializer.Serialize(request, FleetJsonContext.Default.CreateCampaignRequest),
            Hosts = hosts.Count,
            CreatedAt = context.Now,
        });
        foreach (var rows in hosts)
        {
            queue.Follow(db.Changes, rows.Host, operation, [new CampaignStep { Request = request, Dimms = DimmsOf(rows) }]);
        }

        context.Event("campaign.started", subject: request.Name);
        return new WriteOutcome.Accepted(operation.Id);
    }

    /// <summary>The DIMMs, and what of them belongs to a namespace: as its label says, or for one without a label as its region does.</summary>
    private static IReadOnlyList<CampaignDimmDto> DimmsOf(HostRows rows)
    {
        var spaces = rows.Namespaces.Where(space => space.Size > 0).ToDictionary(space => space.Id, space => NameOf(rows, space));
        return
        [
            .. rows.Dimms.Select(dimm => new CampaignDimmDto
            {
                DimmId = dimm.Id,
                Name = dimm.Name,
                Areas =
                [
                    .. rows.Extents.Where(extent => extent.DimmId == dimm.Id && extent.NamespaceId is { } id && spaces.ContainsKey(id)).OrderBy(extent => extent.DpaStart)
                        .Select(extent => new CampaignAreaDto(extent.DpaStart, extent.Length, spaces[extent.NamespaceId!.Value].Name, spaces[extent.NamespaceId.Value].IsMapped)),
                    .. from space in rows.Namespaces
                       where space.Size > 0 && !rows.Extents.Exists(extent => extent.NamespaceId == space.Id)
                       from mapping in rows.Mappings
                       where mapping.RegionId == space.RegionId && mapping.DimmId == dimm.Id
                       select new CampaignAreaDto(mapping.DpaStart, mapping.Length, spaces[space.Id].Name, spaces[space.Id].IsMapped),
                ],
            }),
        ];
    }

    private static (string Name, bool IsMapped) NameOf(HostRows rows, NamespaceRow space)
    {
        var region = rows.Regions.First(row => row.Id == space.RegionId);
        var claim = rows.Personalities.Find(row => row.RegionId == space.RegionId && row.NamespaceNumber == space.Number);
        return ($"namespace{region.Number}.{space.Number}", claim?.Kind == PersonalityRow.Dax);
    }
}
