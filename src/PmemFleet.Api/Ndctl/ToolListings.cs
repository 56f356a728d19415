using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Dax;
using PmemFleet.Api.Dimms;
using PmemFleet.Api.Health;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.MediaErrors;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts.Health;
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

        var known = await KnownErrors.LoadAsync(db, rows.MediaMappings(), cancellationToken);
        var media = await DimmProjection.MediaOf(db, rows.Dimms, cancellationToken);
        var seen = rows.Dimms.ToDictionary(dimm => dimm.Name, dimm => media.GetValueOrDefault(dimm.Id)?.Health);
        var bus = BusOfRows.Read(rows);
        bus = bus with { Dimms = [.. bus.Dimms.Select(dimm => dimm with { Security = seen.GetValueOrDefault($"nmem{dimm.Id}")?.Security.State ?? dimm.Security })] };
        return Json(NdctlList.Of(Bus.Load(bus), ToOptions(query) with
        {
            Badblocks = Badblocks(rows, known),
            DaxDevices = DaxBindings.States(rows),
            Health = query.Health || query.Verbose >= 3 ? seen.ToDictionary(dimm => dimm.Key, dimm => HealthJson.ToNdctl(dimm.Value)) : null,
            Firmware = query.Firmware || query.Verbose >= 3 ? FirmwareOf(seen) : null,
            FrozenDimms = [.. seen.Where(dimm => dimm.Value is { Security.Frozen: true }).Select(dimm => dimm.Key)],
        }));
    }

    /// <summary>What the workers have reported.</summary>
    private static Dictionary<string, FirmwareListing> FirmwareOf(Dictionary<string, DimmHealthDto?> seen) => seen
        .Where(dimm => dimm.Value is not null)
        .Select(dimm => (dimm.Key, dimm.Value!.Firmware))
        .ToDictionary(dimm => dimm.Key, dimm => new FirmwareListing(
            FirmwareListing.Number(dimm.Firmware.CurrentVersion),
            dimm.Firmware.NextVersion is { } next ? FirmwareListing.Number(next) : null,
            dimm.Firmware.State == "armed"));

    public async Task<IActionResult> DaxctlAsync(string host, DaxctlListQuery query, CancellationToken cancellationToken) =>
        await LoadAsync(host, cancellationToken) is { } rows
            ? Json(DaxctlList.Of(Bus.Load(BusOfRows.Read(rows)), ToOptions(query), DaxBindings.States(rows)))
            : ProblemResults.NotFound("host", host).ToResult();

    public async Task<IActionResult> IomemAsync(string host, CancellationToken cancellationToken) =>
        await LoadAsync(host, cancellationToken) is { } rows
            ? new ContentResult { Content = IoMemory.Of(Bus.Load(BusOfRows.Read(rows)), states: DaxBindings.States(rows)), ContentType = "text/plain; charset=utf-8" }
            : ProblemResults.NotFound("host", host).ToResult();

    private static DaxctlOptions ToOptions(DaxctlListQuery query) => new()
    {
        Regions = query.Regions,
        Devices = query.Devices,
        Mappings = query.Mappings,
        Human = query.Human,
        Region = query.Region,
        Device = query.Device,
    };

    private static ListOptions ToOptions(NdctlListQuery query) => new()
    {
        Buses = query.Buses,
        Dimms = query.Dimms,
        Regions = query.Regions,
        Namespaces = query.Namespaces,
        DaxRegions = query.DeviceDax,
        MediaErrors = query.MediaErrors,
        Idle = query.Idle,
        Configured = query.Configured,
        Human = query.Human,
        VerboseLevel = query.Verbose,
        Capabilities = query.Capabilities,
        Bus = query.Bus,
        RegionType = query.Type,
        NumaNode = query.NumaNode is null or "all" ? null : int.Parse(query.NumaNode, CultureInfo.InvariantCulture),
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
        return row is null ? null : (await HostRows.LoadAsync(db, [row], withLabels: true, cancellationToken))[0];
    }
}
