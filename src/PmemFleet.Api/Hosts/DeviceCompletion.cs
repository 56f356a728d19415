using PmemFleet.Api.Conventions;
using PmemFleet.Api.Dax;
using PmemFleet.Api.MediaErrors;
using PmemFleet.Api.Namespaces;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Regions;
using PmemFleet.Contracts.DataPlane;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Hosts;

/// <summary>A worker has done what a command asked of the media: the model takes the outcome, and the operation gives the resource as it is now.</summary>
public sealed class DeviceCompletion(TimeProvider time) : ITaskCompletion
{
    public IReadOnlyCollection<string> Kinds =>
    [
        OperationKinds.CreateNamespace, OperationKinds.ReconfigureNamespace, OperationKinds.DestroyNamespace, OperationKinds.EnableNamespace,
        OperationKinds.DisableNamespace, OperationKinds.CheckNamespace, OperationKinds.CreateRegion, OperationKinds.EnableRegion,
        OperationKinds.DisableRegion, OperationKinds.EnableDaxDevice, OperationKinds.DisableDaxDevice, OperationKinds.InjectErrors,
        OperationKinds.UninjectErrors, OperationKinds.ClearErrors, OperationKinds.Scrub, OperationKinds.ApplyFleet,
        OperationKinds.ImportImage,
    ];

    public async Task CompleteAsync(FleetDbContext db, IReadOnlyList<FinishedTask> tasks, CancellationToken cancellationToken)
    {
        var hosts = await FinishedHosts.LoadAsync(db, tasks, time.GetUtcNow(), cancellationToken);
        var withErrors = hosts.Tasks.Where(pair => pair.Task.HostMayHaveErrors).Select(pair => pair.Host).Distinct();
        var known = await KnownErrors.LoadAsync(db, [.. withErrors.SelectMany(host => host.Rows.MediaMappings())], cancellationToken);
        var errors = await ErrorsOfHosts.LoadAsync(
            db, [.. hosts.Tasks.Where(pair => ChangesErrors(pair.Task.Operation.Kind)).Select(pair => pair.Host.Rows).DistinctBy(rows => rows.Host.Id)], cancellationToken);
        foreach (var (task, host) in hosts.Tasks)
        {
            if (Apply(host, task) is { } refusal)
            {
                // a cancelled operation ends as cancelled, and not as failed
                if (!task.IsCancelled)
                {
                    task.Fail(refusal);
                }
            }
            else
            {
                Succeed(host, task, known, errors);
            }
        }
    }

    private static bool ChangesErrors(string kind) => kind is OperationKinds.InjectErrors or OperationKinds.UninjectErrors or OperationKinds.ClearErrors;

    private static RefusalDto? Apply(HostAggregate host, FinishedTask task)
    {
        var refusal = BindResults.Apply(host, task);
        if (task.Refusal is not null && !EndsAsLinux(task)
            && task.Operation.Kind is OperationKinds.EnableDaxDevice or OperationKinds.DisableDaxDevice
            && host.Rows.DaxDevices.Find(device => device.Name == task.Operation.Subject) is { } unchanged)
        {
            (unchanged.Mode, unchanged.OnlineBlocks) = (DaxBindings.Devdax, 0);
            unchanged.Enabled = task.Operation.Kind == OperationKinds.DisableDaxDevice;
            host.Save();
        }
        else if (task.Steps.Any(step => step is BindStep))
        {
            // only a bind tells the model anything
            host.Save();
        }

        return task.Operation.Kind switch
        {
            _ when task.IsCancelled || task.IsDamaged => refusal ?? task.Refusal,

            // a region is enabled although a namespace of it is not, as on Linux
            OperationKinds.CreateRegion or OperationKinds.EnableRegion => null,

            // a check answers with what it found, whether the namespace can be enabled again or not
            OperationKinds.CheckNamespace =>
                RefusalOf<CheckBttStep>(task) ?? (task.Steps.Count > 0 && task.Steps[^1] is BindStep ? null : task.Refusal),
            OperationKinds.ClearErrors => RefusalOf<ClearErrorsStep>(task) ?? refusal ?? task.Refusal,
            _ => refusal ?? task.Refusal,
        };
    }

    /// <summary>All was done, and the command fails as it does on Linux.</summary>
    private static bool EndsAsLinux(FinishedTask task) => task.Given.Count > 0 && task.Steps[task.Given.Count - 1] is RefuseStep;

    private static RefusalDto? RefusalOf<TStep>(FinishedTask task) =>
        task.Steps.Zip(task.Given).Where(pair => pair.First is TStep).Select(pair => pair.Second).OfType<StepRefused>().FirstOrDefault()?.Refusal;

    private static void Succeed(HostAggregate host, FinishedTask task, KnownErrors known, ErrorsOfHosts errors)
    {
        var subject = task.Operation.Subject!;
        switch (task.Operation.Kind)
        {
            case OperationKinds.CheckNamespace when task.Given.OfType<StepChecked>().FirstOrDefault() is { } found:
                task.Succeed(new CheckNamespaceDto { Consistent = found.Consistent, Messages = found.Messages });
                break;
            case OperationKinds.CreateNamespace or OperationKinds.ReconfigureNamespace or OperationKinds.EnableNamespace or OperationKinds.DisableNamespace
                when host.FindNamespace(subject) is { } row:
                var space = NamespaceProjection.Of(host, row, known);
                task.Succeed(space.Value, space.Etag);
                break;
            case OperationKinds.CreateRegion or OperationKinds.EnableRegion or OperationKinds.DisableRegion when host.FindRegion(subject) is { } row:
                var region = RegionProjection.Of(host, row, known);
                task.Succeed(region.Value, region.Etag);
                break;
            case OperationKinds.EnableDaxDevice or OperationKinds.DisableDaxDevice when host.Rows.DaxDevices.Find(found => found.Name == subject) is { } row:
                var device = DaxProjection.Of(host, row);
                task.Succeed(device.Value, device.Etag);
                break;
            case var kind when ChangesErrors(kind):
                task.Succeed(errors.Of(host.Rows));
                break;
            case OperationKinds.Scrub when task.Given.OfType<StepScrubbed>().LastOrDefault() is { } scrubbed:
                task.Succeed(scrubbed.Scrub, ContentTag.Of(FleetJson.ToUtf8(scrubbed.Scrub)));
                break;
            default:
                task.Succeed();
                break;
        }
    }
}
