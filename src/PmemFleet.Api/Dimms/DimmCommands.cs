using PmemFleet.Api.Conventions;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts.Dimms;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Dimms;

/// <summary>What can be done to a host's DIMMs.</summary>
public static class DimmCommands
{
    public static WriteOutcome Plug(HostAggregate host, CreateDimmRequest request)
    {
        if (Add(host, request, string.Empty) is { } refusal)
        {
            return refusal;
        }

        host.Save();
        var row = host.Rows.Dimms[^1];
        var dto = DimmProjection.ToDto(host.Name, row, null);
        host.Event("dimm.plugged", row.Name, dto);
        return new WriteOutcome.Created(dto, $"/v1/hosts/{host.Name}/dimms/{row.Name}", Etag.Of(row.Id, row.Version));
    }

    /// <summary>Adds a DIMM to the bus without saving.</summary>
    public static RefusalDto? Add(HostAggregate host, CreateDimmRequest request, string at)
    {
        if (host.Host.Provider == Providers.E820)
        {
            return Refusals.Invalid("legacy-host-dimms", $"{at}capacity", "A host of provider e820 has no DIMMs.");
        }

        var (dimm, refusal) = NewDimm.Read(request, at, host.Name, FreeSlot(host), host.Context.NewId());
        if (dimm is null)
        {
            return refusal;
        }

        if (!host.Bus.Plug(dimm.Snapshot).TryGet(out var plugged, out var refused))
        {
            return refused.ToDto();
        }

        host.NoteClearErrorUnit(plugged, dimm.ClearErrorUnit);
        return null;
    }

    public static WriteOutcome Unplug(HostAggregate host, string name)
    {
        if (host.FindDimm(name) is not { } row)
        {
            return WriteOutcome.NotFound("dimm", name);
        }

        if (host.IfMatch(row.Id, row.Version) is { } stale)
        {
            return stale;
        }

        if (host.Bus.Unplug(name).Refusal is { } refusal)
        {
            return refusal;
        }

        host.Save();
        host.Event("dimm.unplugged", name);
        return host.Host.Epoch == 0
            ? new WriteOutcome.NoContent()
            : host.Enqueue(OperationKinds.UnplugDimm, name, [new WipeDimmStep { DimmId = row.Id, Remove = true }], null, StatusCodes.Status204NoContent);
    }

    public static WriteOutcome Enable(HostAggregate host, string name) => Change(host, name, "dimm.enabled", () => host.Bus.EnableDimm(name).Refusal);

    public static WriteOutcome Disable(HostAggregate host, string name) => Change(host, name, "dimm.disabled", () => host.Bus.DisableDimm(name).Refusal);

    private static WriteOutcome Change(HostAggregate host, string name, string type, Func<Nvdimm.Primitives.Refusal?> command)
    {
        if (host.FindDimm(name) is not { } row)
        {
            return WriteOutcome.NotFound("dimm", name);
        }

        if (host.IfMatch(row.Id, row.Version) is { } stale)
        {
            return stale;
        }

        if (command() is { } refusal)
        {
            return refusal;
        }

        host.Save();
        var dto = DimmProjection.ToDto(host.Name, row, null);
        host.Event(type, name, dto);
        return new WriteOutcome.Ok(dto, Etag.Of(row.Id, row.Version));
    }

    private static int FreeSlot(HostAggregate host)
    {
        var slot = 0;
        foreach (var dimm in host.Bus.Dimms)
        {
            if (dimm.Id != slot)
            {
                break;
            }

            slot++;
        }

        return slot;
    }
}
