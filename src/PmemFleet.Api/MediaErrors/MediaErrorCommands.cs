using PmemFleet.Api.Conventions;
using PmemFleet.Api.Dax;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Problems;
using PmemFleet.Api.Scrubs;
using PmemFleet.Contracts.MediaErrors;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.MediaErrors;

/// <summary>Injects, uninjects and clears errors: the target is turned into ranges of DIMMs here, the media is the worker's.</summary>
public static class MediaErrorCommands
{
    public static WriteOutcome Inject(HostAggregate host, MediaErrorRangeRequest request) => Change(host, request, uninject: false);

    public static WriteOutcome Uninject(HostAggregate host, MediaErrorRangeRequest request) => Change(host, request, uninject: true);

    /// <summary>
    /// ndctl clear-errors: the namespace is disabled, its errors are cleared, it is enabled. ndctl 76.1 forgets an error that ends the
    /// clearing half-way and reports success. Here the operation fails with that error, because a caller has no other line to read; what
    /// was done is the same.
    /// </summary>
    public static WriteOutcome Clear(HostAggregate host, ClearErrorsRequest request)
    {
        if (request.Namespace is not { } name)
        {
            return Refusals.Invalid("namespace-missing", "namespace", "Say which namespace's errors to clear.");
        }

        if (host.FindNamespace(name) is not { } row)
        {
            return WriteOutcome.NotFound("namespace", name);
        }

        if (!host.Bus.ClearErrors(name).TryGet(out var change, out var refusal))
        {
            return refusal;
        }

        if (DaxBindings.CheckUnbind(host, row.Id) is { } online)
        {
            return online;
        }

        // a sector namespace is skipped before ndctl looks for a scrub
        var scrubs = request.Scrub && !change.Steps.IsEmpty;
        if (scrubs && ScrubCommands.NoScrub(host) is { } unsupported)
        {
            return unsupported;
        }

        host.Save();
        host.Event("media-errors.cleared", name);
        List<TaskStep> steps = scrubs ? [new ScrubStep()] : [];
        return host.Enqueue(OperationKinds.ClearErrors, name, [.. steps, .. host.ToTaskSteps(change)], LocationOf(host));
    }

    private static WriteOutcome Change(HostAggregate host, MediaErrorRangeRequest request, bool uninject)
    {
        var target = ErrorTargets.Resolve(host, request);
        if (target.Refusal is { } refusal && target.Ranges.Count == 0)
        {
            return refusal;
        }

        // ndctl goes block by block: what came before the refused one is done
        host.Event(uninject ? "media-errors.uninjected" : "media-errors.injected", target.Subject);
        List<TaskStep> steps = [new InjectErrorsStep { Ranges = target.Ranges, Uninject = uninject, Notify = request.Notify ?? true }];
        if (target.Refusal is { } later)
        {
            steps.Add(new RefuseStep { Refusal = later });
        }

        return host.Enqueue(uninject ? OperationKinds.UninjectErrors : OperationKinds.InjectErrors, target.Subject, steps, LocationOf(host));
    }

    private static string LocationOf(HostAggregate host) => $"/v1/hosts/{host.Name}/media-errors";
}
