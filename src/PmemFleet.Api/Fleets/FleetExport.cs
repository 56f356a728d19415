using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Dimms;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Namespaces;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Regions;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Fleets;
using PmemFleet.Contracts.Hosts;

namespace PmemFleet.Api.Fleets;

/// <summary>
/// The fleet as a document that makes it again, sent host by host: serial numbers and uuids stand in it, so that its labels come out the same.
/// Bytes and errors are not part of it, nor are label-less namespaces that are as they come by themselves.
/// </summary>
public sealed class FleetExport(IDbContextFactory<FleetDbContext> contexts)
{
    private const int Portion = 100;

    /// <summary>Sends the document.</summary>
    public async Task WriteAsync(Stream to, bool yaml, LabelSelection select, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await SendAsync(to, yaml ? $"apiVersion: {FleetExpansion.ApiVersion}\nhosts:" : $"{{\"apiVersion\":\"{FleetExpansion.ApiVersion}\",\"hosts\":[", cancellationToken);
        var after = string.Empty;
        var isFirst = true;
        while (true)
        {
            var hosts = await select(db).Where(host => string.Compare(host.Name, after) > 0).OrderBy(host => host.Name).Take(Portion).AsNoTracking().ToListAsync(cancellationToken);
            foreach (var rows in await HostRows.LoadAsync(db, hosts, withLabels: false, cancellationToken))
            {
                var document = JsonSerializer.SerializeToNode(ToDocument(rows), FleetJsonContext.Default.FleetHost)!;
                DropNulls(document);
                await SendAsync(to, yaml ? $"\n{Item(FleetYaml.Of(document))}" : $"{(isFirst ? string.Empty : ",")}{document.ToJsonString()}", cancellationToken);
                isFirst = false;
            }

            if (hosts.Count < Portion)
            {
                break;
            }

            after = hosts[^1].Name;
        }

        await SendAsync(to, yaml ? isFirst ? " []\n" : "\n" : "]}", cancellationToken);
    }

    private static Task SendAsync(Stream to, string text, CancellationToken cancellationToken) => to.WriteAsync(Encoding.UTF8.GetBytes(text), cancellationToken).AsTask();

    /// <summary>A block as the item of a list.</summary>
    private static string Item(string block) => "- " + block.Replace("\n", "\n  ", StringComparison.Ordinal);

    private static void DropNulls(JsonNode node)
    {
        foreach (var child in node is JsonArray list ? list.ToArray() : [.. node.AsObject().Select(pair => pair.Value)])
        {
            if (child is JsonObject or JsonArray)
            {
                DropNulls(child);
            }
        }

        if (node is JsonObject map)
        {
            foreach (var name in map.Where(pair => pair.Value is null or JsonObject { Count: 0 } or JsonArray { Count: 0 }).Select(pair => pair.Key).ToArray())
            {
                map.Remove(name);
            }
        }
    }

    private static FleetHost ToDocument(HostRows rows) => new()
    {
        Name = rows.Host.Name,
        Labels = rows.Host.Labels,
        Provider = rows.Host.Provider == Providers.Nfit ? null : rows.Host.Provider,
        Platform = PlatformOf(rows.Host),
        MediaPool = rows.Host.MediaPool == CreateHost.DefaultPool ? null : rows.Host.MediaPool,
        Dimms = [.. Folded(rows.Dimms.Select(dimm => ToDocument(rows.Host.Name, dimm)))],
        Regions = [.. rows.Regions.Select(region => ToDocument(rows, region))],
        Namespaces =
        [
            .. from region in rows.Regions
               join space in rows.Namespaces on region.Id equals space.RegionId
               where space.Size > 0 && (space.Uuid is not null || LabelLessNamespaces.IsConfigured(region, space, ClaimOf(rows, region, space)))
               orderby region.Number, space.Number
               select ToDocument(rows, region, space),
        ],
    };

    private static PlatformDto? PlatformOf(HostRow host)
    {
        var platform = new PlatformDto { SupportsPud = host.SupportsPud, PageTableLevels = host.PageTableLevels, Profile = host.Profile, DeviceDax = host.DeviceDax };
        return platform == new PlatformDto() ? null : platform;
    }

    /// <summary>DIMMs that say the same become one entry with a count.</summary>
    private static IEnumerable<FleetDimm> Folded(IEnumerable<FleetDimm> dimms)
    {
        FleetDimm? last = null;
        foreach (var dimm in dimms)
        {
            if (last is not null && last with { Count = null } == dimm && dimm.SerialNumber is null)
            {
                last = last with { Count = (last.Count ?? 1) + 1 };
                continue;
            }

            if (last is not null)
            {
                yield return last;
            }

            last = dimm;
        }

        if (last is not null)
        {
            yield return last;
        }
    }

    private static FleetDimm ToDocument(string host, DimmRow row) => new()
    {
        Capacity = new ByteSize(row.Capacity),
        LabelSize = row.LabelSize == NewDimm.DefaultLabelArea ? null : new ByteSize(row.LabelSize),
        LabelVersion = row.LabelVersion ?? "none",
        SerialNumber = row.SerialNumber == NewDimm.Derived(host, row.Number) ? null : $"0x{row.SerialNumber:x8}",
        VendorId = row.VendorId == NewDimm.DefaultVendor ? null : $"0x{row.VendorId:x4}",
        ManufacturingDate = row.ManufacturingDate == 0 ? null : $"0x{row.ManufacturingDate:x4}",
        ManufacturingLocation = row.ManufacturingLocation == 0 ? null : $"0x{row.ManufacturingLocation:x2}",
        Armed = ((Nvdimm.Model.DimmConditions)row.Conditions).HasFlag(Nvdimm.Model.DimmConditions.NotArmed) ? false : null,
        ClearErrorUnit = row.ClearErrorUnit == NewDimm.DefaultClearErrorUnit ? null : new ByteSize(row.ClearErrorUnit),
    };

    private static FleetRegion ToDocument(HostRows rows, RegionRow region)
    {
        var mappings = rows.Mappings.Where(mapping => mapping.RegionId == region.Id).OrderBy(mapping => mapping.Position).ToList();
        return new FleetRegion
        {
            Dimms = mappings.Count == 0 ? null : [.. mappings.Select(mapping => rows.Dimms.First(dimm => dimm.Id == mapping.DimmId).Name)],
            Size = new ByteSize(region.Size),
            DpaStart = mappings.Count == 0 || mappings.TrueForAll(mapping => mapping.DpaStart == 0) ? null : new ByteSize(mappings[0].DpaStart),
            Start = new ByteSize(region.Start),
            Align = region.Align == (16L << 20) * Math.Max(1, mappings.Count) ? null : new ByteSize(region.Align),
            PersistenceDomain = region.PersistenceDomain == RegionTexts.Unknown ? null : region.PersistenceDomain,
            NumaNode = region.NumaNode == 0 ? null : region.NumaNode,
        };
    }

    private static PersonalityRow? ClaimOf(HostRows rows, RegionRow region, NamespaceRow row) =>
        rows.Personalities.Find(candidate => candidate.RegionId == region.Id && candidate.NamespaceNumber == row.Number);

    private static FleetNamespace ToDocument(HostRows rows, RegionRow region, NamespaceRow row)
    {
        var claim = ClaimOf(rows, region, row);
        var mode = NamespaceProjection.ModeOf(region, row, claim);
        return new FleetNamespace
        {
            Region = region.Name,
            Mode = mode,
            Size = row.Kind == LabelLessNamespaces.Kind ? null : new ByteSize(row.Size),
            Align = claim is null or { Kind: PersonalityRow.Btt } ? null : new ByteSize(claim.Bound?.Align ?? claim.Align),
            Map = mode is "fsdax" or "devdax" ? claim?.Bound?.Map ?? claim?.Map : null,
            SectorSize = mode == "sector" && claim?.SectorSize is { } sector ? new ByteSize(sector) : mode is "raw" or "fsdax" && row.SectorSize == 4096 ? new ByteSize(4096) : null,
            AltName = row.AltName.Length == 0 ? null : row.AltName,
            Uuid = row.Uuid,
            PersonalityUuid = claim?.Uuid,
        };
    }
}

/// <summary>Which hosts are exported.</summary>
public delegate IQueryable<HostRow> LabelSelection(FleetDbContext db);
