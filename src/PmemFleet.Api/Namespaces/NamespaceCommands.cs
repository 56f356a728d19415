using PmemFleet.Api.Conventions;
using PmemFleet.Api.Dax;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Nvdimm.Btt;
using PmemFleet.Nvdimm.Model;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Api.Namespaces;

/// <summary>What ndctl does to namespaces, each as one command of the model.</summary>
public static class NamespaceCommands
{
    public static WriteOutcome Create(HostAggregate host, CreateNamespaceRequest request)
    {
        var (options, refusal) = NamespaceRequests.Read(host, request);
        if (options is null)
        {
            return refusal!;
        }

        if (!host.Bus.CreateNamespace(options).TryGet(out var change, out var refused))
        {
            return NamespaceRequests.OnTheWire(refused);
        }

        return Begin(host, change, OperationKinds.CreateNamespace, "namespace.created", StatusCodes.Status201Created);
    }

    public static WriteOutcome Reconfigure(HostAggregate host, string name, ReconfigureNamespaceRequest request)
    {
        if (host.FindNamespace(name) is not { } row)
        {
            return WriteOutcome.NotFound("namespace", name);
        }

        if (host.IfMatch(row.Id, row.Version) is { } stale)
        {
            return stale;
        }

        var (options, refusal) = NamespaceRequests.Read(host, request);
        if (options is null)
        {
            return refusal!;
        }

        if (DaxBindings.CheckUnbind(host, row.Id) is { } online)
        {
            return online;
        }

        return host.Bus.ReconfigureNamespace(name, options).TryGet(out var change, out var refused)
            ? Begin(host, change, OperationKinds.ReconfigureNamespace, "namespace.reconfigured", StatusCodes.Status200OK)
            : NamespaceRequests.OnTheWire(refused);
    }

    public static WriteOutcome Destroy(HostAggregate host, string name, bool force)
    {
        if (host.FindNamespace(name) is not { } row)
        {
            return WriteOutcome.NotFound("namespace", name);
        }

        if (host.IfMatch(row.Id, row.Version) is { } stale)
        {
            return stale;
        }

        if (DaxBindings.CheckUnbind(host, row.Id) is { } online)
        {
            return online;
        }

        if (!host.Bus.DestroyNamespace(name, force).TryGet(out var change, out var refusal))
        {
            return refusal;
        }

        var steps = host.ToTaskSteps(change.Steps);
        host.Save();
        host.Event("namespace.destroyed", name);
        return steps.Count == 0
            ? new WriteOutcome.NoContent()
            : host.Enqueue(OperationKinds.DestroyNamespace, name, steps, null, StatusCodes.Status204NoContent);
    }

    public static WriteOutcome Enable(HostAggregate host, string name) =>
        Change(host, name, OperationKinds.EnableNamespace, "namespace.enabled", () => host.Bus.EnableNamespace(name));

    public static WriteOutcome Disable(HostAggregate host, string name) =>
        Change(host, name, OperationKinds.DisableNamespace, "namespace.disabled", () => host.Bus.DisableNamespace(name));

    /// <summary>Writes attributes in the order in which ndctl writes them. The first refusal ends it, and nothing is changed.</summary>
    public static WriteOutcome Update(HostAggregate host, string name, UpdateNamespaceRequest request)
    {
        if (host.FindNamespace(name) is not { } row)
        {
            return WriteOutcome.NotFound("namespace", name);
        }

        if (host.IfMatch(row.Id, row.Version) is { } stale)
        {
            return stale;
        }

        if (request.SectorSize is { Value: > int.MaxValue })
        {
            return Refusals.Invalid("sector-size", "sectorSize", "A sector has 512 or 4096 bytes.", "512", "4096");
        }

        var bus = host.Bus;
        Func<Outcome<Done>>?[] writes =
        [
            request.ForceRaw is { } raw ? () => bus.SetForceRaw(name, raw) : null,
            request.Uuid is { } uuid ? () => bus.SetUuid(name, uuid) : null,
            request.AltName is { } text ? () => bus.SetAltName(name, text) : null,
            request.Size is { } size ? () => bus.SetSize(name, size.Value) : null,
            request.SectorSize is { } sector ? () => bus.SetSectorSize(name, (int)sector.Value) : null,
            request.HolderClass is { } holder ? () => bus.SetHolderClass(name, holder) : null,
        ];
        foreach (var write in writes)
        {
            if (write?.Invoke().Refusal is { } refusal)
            {
                return NamespaceRequests.OnTheWire(refusal);
            }
        }

        host.Save();
        if (host.FindNamespace(name) is null)
        {
            // size 0 of one that is not the seed: the device is gone
            host.Event("namespace.destroyed", name);
            return new WriteOutcome.NoContent();
        }

        var updated = NamespaceProjection.Of(host, row);
        host.Event("namespace.updated", name, updated.Value);
        return new WriteOutcome.Ok(updated.Value, updated.Etag);
    }

    /// <summary>An enabled namespace is unbound, checked, and bound again.</summary>
    public static WriteOutcome Check(HostAggregate host, string name, CheckNamespaceRequest request)
    {
        if (host.FindNamespace(name) is not { } row)
        {
            return WriteOutcome.NotFound("namespace", name);
        }

        if (host.IfMatch(row.Id, row.Version) is { } stale)
        {
            return stale;
        }

        var options = new BttCheckOptions { Repair = request.Repair, RewriteLog = request.RewriteLog };
        if (!host.Bus.CheckNamespace(name, request.Force, options).TryGet(out var change, out var refusal))
        {
            return NamespaceRequests.OnTheWire(refusal);
        }

        if (DaxBindings.CheckUnbind(host, row.Id) is { } online)
        {
            return online;
        }

        host.Save();
        host.Event("namespace.checked", name);
        return host.Enqueue(OperationKinds.CheckNamespace, name, host.ToTaskSteps(change), $"/v1/hosts/{host.Name}/namespaces/{name}");
    }

    private static WriteOutcome Change(HostAggregate host, string name, string kind, string type, Func<Outcome<NamespaceChange>> command)
    {
        if (host.FindNamespace(name) is not { } row)
        {
            return WriteOutcome.NotFound("namespace", name);
        }

        if (host.IfMatch(row.Id, row.Version) is { } stale)
        {
            return stale;
        }

        if (kind == OperationKinds.DisableNamespace && DaxBindings.CheckUnbind(host, row.Id) is { } online)
        {
            return online;
        }

        return command().TryGet(out var change, out var refusal) ? Begin(host, change, kind, type, StatusCodes.Status200OK) : refusal;
    }

    private static WriteOutcome Begin(HostAggregate host, NamespaceChange change, string kind, string type, int status)
    {
        host.Save();
        var space = NamespaceProjection.Of(host, host.RowOf(change.Namespace));
        var location = $"/v1/hosts/{host.Name}/namespaces/{change.Namespace.Name}";
        host.Event(type, change.Namespace.Name, space.Value);
        return change is { Steps.IsEmpty: true, Refusal: null }
            ? new WriteOutcome.Ok(space.Value, space.Etag)
            : host.Enqueue(kind, change.Namespace.Name, host.ToTaskSteps(change), location, status);
    }
}
