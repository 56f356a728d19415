using PmemFleet.Api.Conventions;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Namespaces;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts.MediaErrors;
using PmemFleet.Contracts.Sync;
using PmemFleet.Nvdimm.Model;

namespace PmemFleet.Api.MediaErrors;

/// <summary>Injects, uninjects and clears errors: the target is turned into ranges of DIMMs here, the media is the worker's.</summary>
public static class MediaErrorCommands
{
    public static WriteOutcome Inject(HostAggregate host, MediaErrorRangeRequest request) => Change(host, request, uninject: false);

    public static WriteOutcome Uninject(HostAggregate host, MediaErrorRangeRequest request) => Change(host, request, uninject: true);

    /// <summary>ndctl clear-errors: only what the namespace's data holds, and nothing of a BTT.</summary>
    public static WriteOutcome Clear(HostAggregate host, ClearErrorsRequest request)
    {
        if (request.Namespace is not { } name)
        {
            return Refusals.Invalid("namespace-missing", "namespace", "Say which namespace's errors to clear.");
        }

        if (host.FindNamespace(name) is not { } row || host.Bus.FindNamespace(name) is not { } device)
        {
            return WriteOutcome.NotFound("namespace", name);
        }

        if (request.Scrub && Scrubs.ScrubCommands.NoScrub(host) is { } unsupported)
        {
            return unsupported;
        }

        var claim = ErrorTargets.ClaimOf(host, row);
        List<TaskStep> steps = request.Scrub ? [new ScrubStep()] : [];
        if (NamespaceModes.Of(device) != NamespaceMode.Sector && NamespaceProjection.DataOf(row, claim) is { Length: > 0 } data && row.Start is { } start)
        {
            steps.Add(new ClearErrorsStep { Start = start + data.Start, Length = data.Length });
        }

        host.Event("media-errors.cleared", name);
        return host.Enqueue(OperationKinds.ClearErrors, name, steps, $"/v1/hosts/{host.Name}/media-errors");
    }

    private static WriteOutcome Change(HostAggregate host, MediaErrorRangeRequest request, bool uninject)
    {
        var (ranges, subject, refusal) = ErrorTargets.Resolve(host, request);
        if (refusal is not null)
        {
            return refusal;
        }

        host.Event(uninject ? "media-errors.uninjected" : "media-errors.injected", subject);
        return host.Enqueue(
            uninject ? OperationKinds.UninjectErrors : OperationKinds.InjectErrors,
            subject,
            [new InjectErrorsStep { Ranges = ranges, Uninject = uninject, Notify = request.Notify ?? true }],
            $"/v1/hosts/{host.Name}/media-errors");
    }
}
