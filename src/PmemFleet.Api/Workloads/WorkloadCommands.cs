using System.Collections.Immutable;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.DataPlane;
using PmemFleet.Api.Dax;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Hosts;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Sync;
using PmemFleet.Contracts.Workloads;
using PmemFleet.DeviceDax.Workloads;

namespace PmemFleet.Api.Workloads;

/// <summary>Accepts and deletes workloads.</summary>
public static class WorkloadCommands
{
    /// <summary>
    /// On a host: copies of the devices as they are now. A described machine needs no host, but a worker runs it in some host's lane: that of the
    /// host with the fewest open tasks, whose power and devices mean nothing to it.
    /// </summary>
    public static Task<WriteOutcome> CreateAsync(FleetWriteContext context, CreateWorkloadRequest request) =>
        request is { Host: null } == request is { Machine: null }
            ? Task.FromResult<WriteOutcome>(Refusals.Invalid("workload-invalid", "host", "Give a host, or describe a machine, and not both.", "host", "machine"))
            : request.Host is { } host ? OnHostAsync(context, request, host) : OnMachineAsync(context, request);

    public static async Task<WriteOutcome> DeleteAsync(FleetWriteContext context, Guid id)
    {
        if (await WorkloadProjection.FindAsync(context.Db, id, context.Cancelled) is not { } found)
        {
            return WriteOutcome.NotFound("workload", id.ToString());
        }

        if (context.CheckIfMatch(found.Etag) is { } stale)
        {
            return stale;
        }

        if (found.Value.EndedAt is null)
        {
            return Refusals.Busy("workload-running", "The workload has not ended: cancel its operation first.") with
            {
                Allowed = [$"/v1/operations/{found.Value.Operation}/cancel"],
            };
        }

        await context.Db.Set<WorkloadRow>().Where(row => row.Id == id).ExecuteDeleteAsync(context.Cancelled);
        context.Event("workload.deleted", found.Value.Host, found.Value.Name ?? id.ToString());
        return new WriteOutcome.NoContent();
    }

    private static async Task<WriteOutcome> OnHostAsync(FleetWriteContext context, CreateWorkloadRequest request, string name)
    {
        if (await HostAggregate.LockAsync(context, name) is not { } host)
        {
            return WriteOutcome.NotFound("host", name);
        }

        if (host.Host.Power == HostRow.Off)
        {
            return WorkerRefusals.HostOff(name);
        }

        var devices = new List<WorkloadDeviceOfHost>();
        foreach (var (mapping, index) in request.Mappings!.Take(WorkloadLimits.Mappings + 1).Select((mapping, index) => (mapping, index)))
        {
            if (host.Rows.DaxDevices.Find(row => row.Name == mapping.Device) is not { } device)
            {
                return new RefusalDto
                {
                    Errno = "ENODEV",
                    Code = "no-dax-device",
                    Message = $"The host '{name}' has no dax device '{mapping.Device}'.",
                    Subject = $"mappings/{index}/device",
                    Allowed = [.. host.Rows.DaxDevices.Select(row => row.Name).Order(StringComparer.Ordinal)],
                };
            }

            if (!device.Enabled || device.Mode == DaxBindings.SystemRam)
            {
                return new RefusalDto
                {
                    Errno = "ENXIO",
                    Code = "device-disabled",
                    Message = $"The dax device '{mapping.Device}' is disabled, or system RAM.",
                    Subject = $"mappings/{index}/device",
                };
            }

            if (devices.TrueForAll(known => known.Name != device.Name))
            {
                var region = host.Rows.DaxRegions.First(row => row.Id == device.DaxRegionId);
                var space = host.Rows.Namespaces.First(row => row.Id == region.NamespaceId);
                devices.Add(new WorkloadDeviceOfHost(device.Name, $"namespace{device.RegionNumber}.{space.Number}", device.Start, device.Size, device.Align));
            }
        }

        var row = host.Host;
        var platform = new PlatformDto { SupportsPud = row.SupportsPud, PageTableLevels = row.PageTableLevels, Profile = row.Profile };
        return Accept(context, row, request, platform, [.. devices.Select(WorkloadMachines.Of)], devices);
    }

    private static async Task<WriteOutcome> OnMachineAsync(FleetWriteContext context, CreateWorkloadRequest request)
    {
        var (devices, refusal) = WorkloadMachines.Read(request.Machine!);
        if (refusal is not null)
        {
            return refusal;
        }

        var db = context.Db;
        var lender = await db.Hosts.Where(host => host.WorkerId != null)
            .OrderBy(host => db.Tasks.Count(task => task.HostId == host.Id && !task.Done)).ThenBy(host => host.Id)
            .Select(host => host.Name).FirstOrDefaultAsync(context.Cancelled);
        return lender is null || await db.LockHostAsync(lender, context.Cancelled) is not { } host
            ? new RefusalDto { Errno = "EAGAIN", Code = "no-worker", Message = "No worker holds a host yet, in whose lane the workload could run: create a host, or try again." }
            : Accept(context, host, request, request.Machine!.Platform ?? new PlatformDto(), devices, []);
    }

    private static WriteOutcome Accept(
        FleetWriteContext context, HostRow host, CreateWorkloadRequest request, PlatformDto platform, ImmutableArray<WorkloadDevice> devices,
        IReadOnlyList<WorkloadDeviceOfHost> ofHost)
    {
        var (spec, refusal) = WorkloadSpecs.Read(request, WorkloadSpecs.ProfileOf(platform), devices);
        if (spec is null)
        {
            return refusal!;
        }

        var id = context.NewId();
        var operation = context.Enqueue(
            host, OperationKinds.RunWorkload, request.Name ?? id.ToString(), [new RunWorkloadStep { Spec = WorkloadSpecText.Write(spec), Devices = ofHost }],
            $"/v1/workloads/{id}", StatusCodes.Status201Created);
        context.Db.Add(new WorkloadRow
        {
            Id = id,
            Name = request.Name,
            HostName = request.Host,
            OperationId = operation.Id,
            Spec = JsonSerializer.Serialize(request, FleetJsonContext.Default.CreateWorkloadRequest),
            Actor = context.Actor,
            CreatedAt = context.Now,
        });
        context.Event("workload.accepted", request.Host, request.Name ?? id.ToString());
        return new WriteOutcome.Accepted(operation.Id);
    }
}
