using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Dax;
using PmemFleet.Api.Health;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.MediaErrors;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Problems;
using PmemFleet.Nvdimm.Listing;
using PmemFleet.Nvdimm.Model;

namespace PmemFleet.Api.Ndctl;

/// <summary>Prints a host's model as Linux's tools do.</summary>
public sealed class ToolListings(FleetDbContext db)
{
    public async Task<IActionResult> NdctlAsync(string host, NdctlListQuery query, CancellationToken cancellationToken)
    {
        if (await LoadAsync(host, cancellationToken) is not { } rows)
        {
            return ProblemResults.NotFound("host", host).ToResult();
        }

        var known = await KnownErrors.LoadAsync(db, rows.Mappings, cancellationToken);
        return Json(NdctlList.Of(Bus.Load(BusOfRows.Read(rows)), ToOptions(query) with
        {
            Badblocks = Badblocks(rows, known),
            Health = query.Health || query.Verbose >= 3 ? await HealthAsync(rows, cancellationToken) : null,
        }));
    }

    private async Task<IReadOnlyDictionary<string, JsonObject>> HealthAsync(HostRows rows, CancellationToken cancellationToken)
    {
        var seen = await db.Set<DimmMediaRow>().AsNoTracking().Where(row => row.HostId == rows.Host.Id).ToDictionaryAsync(row => row.DimmId, row => row.Health, cancellationToken);
        return rows.Dimms.ToDictionary(dimm => dimm.Name, dimm => HealthJson.ToNdctl(HealthJson.Read(seen.GetValueOrDefault(dimm.Id))));
    }

    public async Task<IActionResult> DaxctlAsync(string host, DaxctlListQuery query, CancellationToken cancellationToken) =>
        await LoadAsync(host, cancellationToken) is { } rows
            ? Json(DaxctlList.Of(Bus.Load(BusOfRows.Read(rows)), query.Regions, query.Devices, query.Mappings, query.Human, DaxBindings.States(rows)))
            : ProblemResults.NotFound("host", host).ToResult();

    public async Task<IActionResult> IomemAsync(string host, CancellationToken cancellationToken) =>
        await LoadAsync(host, cancellationToken) is { } rows
            ? new ContentResult { Content = IoMemory.Of(Bus.Load(BusOfRows.Read(rows)), states: DaxBindings.States(rows)), ContentType = "text/plain; charset=utf-8" }
            : ProblemResults.NotFound("host", host).ToResult();

    /// <summary>-v adds kinds of objects as it is repeated (spec 20 section 10).</summary>
    private static ListOptions ToOptions(NdctlListQuery query) => new()
    {
        Buses = query.Buses || query.Verbose >= 2,
        Dimms = query.Dimms || query.Verbose >= 2,
        Regions = query.Regions || query.Verbose >= 2,
        Namespaces = query.Namespaces || query.Verbose >= 1,
        DaxRegions = query.DeviceDax || query.Verbose >= 1,
        MediaErrors = query.MediaErrors || query.Verbose >= 1,
        Idle = query.Idle || query.Verbose >= 3,
        Configured = query.Configured,
        Human = query.Human,
        Verbose = query.Verbose >= 1,
        Dimm = query.Dimm,
        Region = query.Region,
        Namespace = query.Namespace,
        Mode = query.Mode is null ? null : NamespaceModes.Parse(query.Mode),
    };

    private static ImmutableDictionary<string, ImmutableArray<RegionBadblock>> Badblocks(HostRows rows, KnownErrors known) => rows.Regions
        .Select(region => KeyValuePair.Create(region.Name, known.OfRegion(region.Id, region.Size, rows.Dimms)))
        .Where(pair => pair.Value.Length > 0).ToImmutableDictionary();

    /// <summary>The tools print nothing where there is nothing; over HTTP that is an empty array.</summary>
    private static ContentResult Json(JsonNode? printed) =>
        new() { Content = (printed ?? new JsonArray()).ToJsonString(), ContentType = "application/json; charset=utf-8" };

    private async Task<HostRows?> LoadAsync(string host, CancellationToken cancellationToken)
    {
        var row = await db.Hosts.AsNoTracking().SingleOrDefaultAsync(found => found.Name == host, cancellationToken);
        return row is null ? null : (await HostRows.LoadAsync(db, [row], tracked: false, withLabels: true, cancellationToken))[0];
    }
}
