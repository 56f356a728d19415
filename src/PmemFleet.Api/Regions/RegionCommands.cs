using PmemFleet.Api.Conventions;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Regions;
using PmemFleet.Contracts.Sync;
using PmemFleet.Nvdimm.Model;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Api.Regions;

/// <summary>What can be done to a host's regions.</summary>
public static class RegionCommands
{
    private const long LineBytes = 4096;

    public static WriteOutcome Create(HostAggregate host, CreateRegionRequest request)
    {
        var (change, refusal) = Add(host, request, string.Empty);
        if (change is null)
        {
            return refusal!;
        }

        host.Save();
        var row = host.RowOf(change.Region);
        return Answer(host, row, change, OperationKinds.CreateRegion, "region.created", StatusCodes.Status201Created);
    }

    /// <summary>Defines a region on the bus without saving.</summary>
    public static (RegionChange? Change, RefusalDto? Refusal) Add(HostAggregate host, CreateRegionRequest request, string at)
    {
        var dimms = request.Dimms ?? [];
        var legacy = host.Host.Provider == Providers.E820;
        if (request.PersistenceDomain is { } domain && !RegionTexts.Domains.Contains(domain))
        {
            return (null, Refusals.Invalid("persistence-domain", $"{at}persistenceDomain", $"There is no persistence domain '{domain}'.", RegionTexts.Domains));
        }

        if (legacy && (dimms.Count > 0 || request.Size is null))
        {
            return (null, Refusals.Invalid("legacy-region", $"{at}dimms", "A region of an e820 host has a size and no DIMMs."));
        }

        var lines = LineBytes * Math.Max(1, dimms.Count);
        if (request.Size is { } size && (size.Value <= 0 || size.Value % lines != 0))
        {
            var nearest = Math.Max(lines, size.Value / lines * lines);
            return (null, Refusals.Invalid("region-size", $"{at}size", $"A region's size is a multiple of 4 KiB × ways: {lines} bytes.", $"{nearest}", $"{nearest + lines}")
                .With("size", size.Value).With("ways", dimms.Count));
        }

        if (dimms.FirstOrDefault(dimm => host.Bus.FindDimm(dimm) is null) is { } missing)
        {
            return (null, Refusals.Invalid("no-such-dimm", $"{at}dimms", $"There is no DIMM '{missing}' on this host.", [.. host.Bus.Dimms.Select(dimm => dimm.Name)]));
        }

        var defined = host.Bus.Define(new RegionDefinition
        {
            Uuid = host.Context.NewId(),
            Kind = legacy ? RegionKind.Legacy : RegionKind.Nfit,
            Mappings = [.. dimms.Select(dimm => new MappingDefinition(dimm, request.DpaStart is { } dpa ? new Nvdimm.Primitives.Dpa(dpa.Value) : null))],
            SizePerDimm = request.Size is { } total ? new Bytes(total.Value / Math.Max(1, dimms.Count)) : null,
            Start = request.Start is { } start ? new Spa(start.Value) : null,
            PersistenceDomain = RegionTexts.ToDomain(request.PersistenceDomain ?? RegionTexts.Unknown),
            NumaNode = request.NumaNode ?? 0,
            TargetNode = request.NumaNode ?? 0,
        });
        return defined.TryGet(out var change, out var refused) ? (change, null) : (null, refused.ToDto());
    }

    public static WriteOutcome Update(HostAggregate host, string name, UpdateRegionRequest request)
    {
        if (host.FindRegion(name) is not { } row)
        {
            return WriteOutcome.NotFound("region", name);
        }

        if (host.IfMatch(row.Id, row.Version) is { } stale)
        {
            return stale;
        }

        if (request.Align is { } align && host.Bus.SetRegionAlign(name, align.Value).Refusal is { } misaligned)
        {
            return misaligned;
        }

        if (request.ReadOnly is { } readOnly && host.Bus.SetRegionReadOnly(name, readOnly).Refusal is { } refusal)
        {
            return refusal;
        }

        host.Save();
        var region = RegionProjection.Of(host, row);
        host.Event("region.updated", name, region.Value);
        return new WriteOutcome.Ok(region.Value, region.Etag);
    }

    public static WriteOutcome Delete(HostAggregate host, string name)
    {
        if (host.FindRegion(name) is not { } row)
        {
            return WriteOutcome.NotFound("region", name);
        }

        if (host.IfMatch(row.Id, row.Version) is { } stale)
        {
            return stale;
        }

        if (host.Bus.Undefine(name).Refusal is { } refusal)
        {
            return refusal;
        }

        host.Save();
        host.Event("region.deleted", name);
        return !row.IsLegacy || host.Host.Epoch == 0
            ? new WriteOutcome.NoContent()
            : host.Enqueue(OperationKinds.DeleteRegion, name, [new WipeDimmStep { DimmId = row.Id, Remove = true }], null, StatusCodes.Status204NoContent);
    }

    public static WriteOutcome Enable(HostAggregate host, string name) =>
        Change(host, name, OperationKinds.EnableRegion, "region.enabled", () => host.Bus.EnableRegion(name));

    public static WriteOutcome Disable(HostAggregate host, string name) =>
        Change(host, name, OperationKinds.DisableRegion, "region.disabled", () => host.Bus.DisableRegion(name));

    private static WriteOutcome Change(HostAggregate host, string name, string kind, string type, Func<Outcome<RegionChange>> command)
    {
        if (host.FindRegion(name) is not { } row)
        {
            return WriteOutcome.NotFound("region", name);
        }

        if (host.IfMatch(row.Id, row.Version) is { } stale)
        {
            return stale;
        }

        if (!command().TryGet(out var change, out var refusal))
        {
            return refusal;
        }

        host.Save();
        return Answer(host, row, change, kind, type, StatusCodes.Status200OK);
    }

    private static WriteOutcome Answer(HostAggregate host, RegionRow row, RegionChange change, string kind, string type, int status)
    {
        var region = RegionProjection.Of(host, row);
        var location = $"/v1/hosts/{host.Name}/regions/{row.Name}";
        host.Event(type, row.Name, region.Value);
        return !change.Steps.IsEmpty ? host.Enqueue(kind, row.Name, host.ToTaskSteps(change.Steps, continueOnFailure: true), location, status)
            : status == StatusCodes.Status201Created ? new WriteOutcome.Created(region.Value, location, region.Etag)
            : new WriteOutcome.Ok(region.Value, region.Etag);
    }
}
