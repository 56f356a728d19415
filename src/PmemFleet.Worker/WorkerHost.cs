using System.Collections;
using PmemFleet.Contracts;
using PmemFleet.Contracts.DataPlane;
using PmemFleet.Worker.DataPlane;
using PmemFleet.Worker.Hosts;
using PmemFleet.Worker.Media;
using PmemFleet.Worker.Sync;
using PmemFleet.Worker.Tasks;
using PmemFleet.Worker.Workloads;

namespace PmemFleet.Worker;

/// <summary>The worker's process: a sync loop, and the data plane that the Api calls.</summary>
public static partial class WorkerHost
{
    /// <summary>A store of 16 MiB in base64, and room beside it.</summary>
    private const long LargestDocument = 24 << 20;

    /// <summary>The variables that are known, with their defaults; each also with <c>_FILE</c>.</summary>
    public static IReadOnlyDictionary<string, string?> Variables { get; } =
        WorkerOptions.Known.ToDictionary(option => WorkerOptions.Section + option.Key, option => option.Value, StringComparer.Ordinal);

    /// <summary>Builds the worker from the process's environment.</summary>
    public static WebApplication Build(string[] args) => Build(args, ReadEnvironment());

    /// <summary>Builds the worker.</summary>
    /// <param name="args">Command line; none is known.</param>
    /// <param name="environment">The variables.</param>
    public static WebApplication Build(string[] args, IReadOnlyDictionary<string, string> environment)
    {
        var options = WorkerOptions.Read(environment);
        Directory.CreateDirectory(options.DataDirectory);

        // the configuration is not read again: watching for a change of it would watch all of the working folder, which may be the root of everything
        var builder = WebApplication.CreateSlimBuilder(["--hostBuilder:reloadConfigOnChange=false", .. args]);
        builder.WebHost.UseUrls(options.Urls).ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = LargestDocument);
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, FleetJsonContext.Default));
        builder.Services
            .AddSingleton(TimeProvider.System)
            .AddSingleton(options)
            .AddSingleton<SyncSignal>()
            .AddSingleton<LiveHosts>()
            .AddSingleton<PoolFolder>()
            .AddSingleton(new MediaRoom(options.DataDirectory, options.ReserveBytes))
            .AddSingleton<HostConditions>()
            .AddSingleton<FleetClient>()
            .AddSingleton<TaskExecutor>()
            .AddSingleton<ILongStep, WorkloadLane>()
            .AddSingleton<LongTaskLane>()
            .AddSingleton<HostRunner>()
            .AddSingleton<HostAssignments>()
            .AddSingleton<KnownHosts>()
            .AddSingleton<DataPlaneGate>()
            .AddHostedService<ScrubClock>()
            .AddHostedService<MediaRoomWatch>()
            .AddHostedService<SyncLoop>();
        // the exporter reads OTEL_… itself, from the configuration
        builder.Configuration.AddInMemoryCollection(environment.Where(variable => variable.Key.StartsWith("OTEL_", StringComparison.Ordinal)).ToDictionary(variable => variable.Key, variable => (string?)variable.Value));
        builder.AddWorkerTelemetry(options);
        var app = builder.Build();
        app.Services.GetRequiredService<HeldHostGauge>();
        Map(app);
        LogStarting(app.Logger, options);
        return app;
    }

    private static void Map(WebApplication app)
    {
        app.MapGet("/livez", () => Results.Text("ok"));
        app.MapGet("/readyz", (LiveHosts hosts) => hosts.LeaseHolds ? Results.Text("ok") : Results.Text("no lease yet", statusCode: StatusCodes.Status503ServiceUnavailable));
        app.MapPrometheusScrapingEndpoint("/metrics");
        var gate = app.Services.GetRequiredService<DataPlaneGate>();
        app.UseWhen(context => context.Request.Path.StartsWithSegments("/v1"), plane => plane.Use((context, next) =>
        {
            if (gate.Allows(context.Request))
            {
                return next(context);
            }

            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return Task.CompletedTask;
        }));
        var host = app.MapGroup(DataPlaneRoutes.Host);
        ProcessEndpoints.Map(host);
        NamespaceEndpoints.Map(host);
        DimmEndpoints.Map(host);
        var rehearsed = host.MapGroup($"/{DataPlaneRoutes.DryRun}").WithMetadata(new RehearsedEndpoint());
        ProcessEndpoints.MapWrites(rehearsed);
        NamespaceEndpoints.MapWrites(rehearsed);
    }

    private static Dictionary<string, string> ReadEnvironment() => Environment.GetEnvironmentVariables()
        .Cast<DictionaryEntry>()
        .ToDictionary(entry => (string)entry.Key, entry => entry.Value as string ?? string.Empty, StringComparer.Ordinal);

    [LoggerMessage(EventId = 1, Level = LogLevel.Information, Message = "Worker starting: {Options}")]
    private static partial void LogStarting(ILogger logger, WorkerOptions options);
}
