using System.Diagnostics;
using System.Diagnostics.Metrics;
using Npgsql;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace PmemFleet.Api.Hosting;

/// <summary>The Api's own spans and metrics. No label whose number of values grows with the fleet.</summary>
public static class Telemetry
{
    public const string Name = "PmemFleet.Api";
    public static readonly ActivitySource Spans = new(Name);
    private static readonly Meter Meter = new(Name);

    public static readonly Counter<long> OperationsEnded = Meter.CreateCounter<long>("pmemfleet_operations_ended", description: "Operations that ended, by kind and state");
    public static readonly Counter<long> Syncs = Meter.CreateCounter<long>("pmemfleet_worker_syncs", description: "Worker syncs, by outcome");
    public static readonly Counter<long> ResultsApplied = Meter.CreateCounter<long>("pmemfleet_task_results", description: "Task results of workers, by outcome");
    public static readonly Counter<long> TasksGiven = Meter.CreateCounter<long>("pmemfleet_tasks_given", description: "Tasks given to workers, repetitions included, by kind");
    public static readonly Counter<long> TasksEnded = Meter.CreateCounter<long>("pmemfleet_tasks_ended", description: "Tasks that workers ended, by kind and outcome: done, refused, cancelled");
    public static readonly Histogram<double> SyncSeconds = Meter.CreateHistogram<double>("pmemfleet_worker_sync_duration_seconds", "s", "The transaction of a sync that brought something, without the wait for news");
    public static readonly Counter<long> EpochsBegun = Meter.CreateCounter<long>("pmemfleet_host_epochs", description: "Hosts that began an epoch on a worker");
    public static readonly Counter<long> EventsNumbered = Meter.CreateCounter<long>("pmemfleet_events", description: "Events numbered");
    public static readonly Histogram<double> OperationSeconds = Meter.CreateHistogram<double>("pmemfleet_operation_duration_seconds", "s", "From acceptance to the end");
}

/// <summary>OpenTelemetry: Prometheus to be scraped, OTLP where OTEL_EXPORTER_OTLP_ENDPOINT says so.</summary>
public static class TelemetrySetup
{
    public static IServiceCollection AddFleetTelemetry(this IServiceCollection services, IConfiguration configuration)
    {
        var otlp = configuration["OTEL_EXPORTER_OTLP_ENDPOINT"] is { Length: > 0 };
        services.AddSingleton<FleetGauges>().AddHostedService(provider => provider.GetRequiredService<FleetGauges>());
        services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService("pmemfleet-api"))
            .WithTracing(tracing =>
            {
                // every answer has a trace id, and every task its request; a span for each statement is made only where somebody takes it away
                tracing.AddSource(Telemetry.Name).AddAspNetCoreInstrumentation().AddHttpClientInstrumentation();
                if (otlp)
                {
                    tracing.AddNpgsql().AddOtlpExporter();
                }
            })
            .WithMetrics(metrics =>
            {
                metrics.AddView(WithoutAddress);
                metrics.AddMeter(Telemetry.Name).AddAspNetCoreInstrumentation().AddHttpClientInstrumentation().AddRuntimeInstrumentation().AddPrometheusExporter();
                if (otlp)
                {
                    metrics.AddOtlpExporter();
                }
            });
        return services;
    }

    /// <summary>A client's instruments name the server: one value for each worker of the fleet.</summary>
    private static MetricStreamConfiguration? WithoutAddress(Instrument instrument) =>
        instrument.Name.StartsWith("http.client.", StringComparison.Ordinal) || instrument.Name.StartsWith("dns.", StringComparison.Ordinal)
            ? new MetricStreamConfiguration { TagKeys = ["http.request.method", "http.response.status_code", "http.connection.state", "error.type"] }
            : null;
}
