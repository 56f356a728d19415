using System.Diagnostics;
using System.Diagnostics.Metrics;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using PmemFleet.Contracts.Sync;
using PmemFleet.Worker.Hosts;
using PmemFleet.Worker.Media;

namespace PmemFleet.Worker;

/// <summary>
/// The worker's own spans and metrics. A task's span continues the trace of the request that asked for it. No label whose number of
/// values grows with the fleet.
/// </summary>
internal static class WorkerTelemetry
{
    public const string Name = "PmemFleet.Worker";

    public static readonly ActivitySource Spans = new(Name);

    private static readonly Meter Meter = new(Name);

    public static readonly Counter<long> TasksExecuted = Meter.CreateCounter<long>("pmemfleet_worker_tasks", description: "Tasks executed, by kind and outcome");

    public static readonly Histogram<double> TaskSeconds = Meter.CreateHistogram<double>("pmemfleet_worker_task_duration_seconds", "s", "Execution of a task, by kind");

    public static readonly Counter<long> SyncFailures = Meter.CreateCounter<long>("pmemfleet_worker_sync_failures", description: "Syncs that did not reach the Api or were refused by it, by reason");

    /// <summary>The span of a task; null where nobody listens.</summary>
    public static Activity? Begin(WorkerTask task, Guid hostId)
    {
        _ = ActivityContext.TryParse(task.TraceParent, null, isRemote: true, out var request);
        return Spans.StartActivity($"task {task.Kind}", ActivityKind.Consumer, request)
            ?.SetTag("pmemfleet.task", task.TaskId).SetTag("pmemfleet.host", hostId);
    }

    /// <summary>Counts a task that was executed.</summary>
    public static void Count(WorkerTask task, TaskResult result, TimeSpan took)
    {
        var outcome = result.Cancelled ? "cancelled" : result.Steps is [.., StepRefused] ? "refused" : "done";
        TasksExecuted.Add(1, new("kind", task.Kind), new("outcome", outcome));
        TaskSeconds.Record(took.TotalSeconds, new KeyValuePair<string, object?>("kind", task.Kind));
        Activity.Current?.SetTag("pmemfleet.outcome", outcome);
    }

    /// <summary>OpenTelemetry: Prometheus to be scraped, OTLP where OTEL_EXPORTER_OTLP_ENDPOINT says so.</summary>
    public static void AddWorkerTelemetry(this WebApplicationBuilder builder, WorkerOptions options)
    {
        var otlp = builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"] is { Length: > 0 };
        builder.Services.AddSingleton<HeldHostGauge>();
        builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService("pmemfleet-worker", serviceInstanceId: options.Name))
            .WithTracing(tracing =>
            {
                tracing.AddSource(Name).AddAspNetCoreInstrumentation().AddHttpClientInstrumentation();
                if (otlp)
                {
                    tracing.AddOtlpExporter();
                }
            })
            .WithMetrics(metrics =>
            {
                metrics.AddMeter(Name).AddAspNetCoreInstrumentation().AddRuntimeInstrumentation().AddPrometheusExporter();
                if (otlp)
                {
                    metrics.AddOtlpExporter();
                }
            });
    }
}

/// <summary>How much a worker holds.</summary>
internal sealed class HeldHostGauge
{
    public HeldHostGauge(IMeterFactory meters, LiveHosts hosts, MediaRoom room, HostConditions conditions)
    {
        // a rate sees the first one only where the counter began with 0
        foreach (var reason in (string[])["unreachable", "fenced", "not-known"])
        {
            WorkerTelemetry.SyncFailures.Add(0, new KeyValuePair<string, object?>("reason", reason));
        }

        var meter = meters.Create(WorkerTelemetry.Name);
        meter.CreateObservableGauge("pmemfleet_worker_hosts_failed", () => conditions.Hosts.Count, description: "Hosts of this worker that it cannot serve");
        meter.CreateObservableGauge("pmemfleet_worker_media_full", () => room.IsFull ? 1 : 0, description: "1 while new room on the media is refused");
        meter.CreateObservableGauge("pmemfleet_worker_media_free_bytes", () => room.FreeBytes, description: "Bytes free on the media pool's file system");
        meter.CreateObservableGauge("pmemfleet_worker_hosts", () => hosts.All.Count(), description: "Hosts that this worker holds");
        meter.CreateObservableGauge("pmemfleet_worker_results_unacknowledged", () => hosts.All.Sum(host => host.Store.Results.Count), description: "Results on this worker's disk that the Api has not acknowledged");
    }
}
