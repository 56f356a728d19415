using Microsoft.Extensions.DependencyInjection.Extensions;
using PmemFleet.Api.Access;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Events;
using PmemFleet.Api.OpenApi;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Sync;
using PmemFleet.Api.Workers;

namespace PmemFleet.Api.Hosting;

/// <summary>The Api as a whole: its own program, the Lab and the tests build it here.</summary>
public static class ApiHost
{
    /// <param name="args">The command line.</param>
    /// <param name="configure">
    /// The last word on configuration and services, before the options are read: keys are <c>PMEMFLEET:DATABASE:HOST</c> and so on.
    /// </param>
    public static WebApplication Build(string[] args, Action<WebApplicationBuilder>? configure = null)
    {
        // nothing reads its options anew; the watch would hold every folder below the content root, which may be the machine's whole file system
        var builder = WebApplication.CreateBuilder(["--hostBuilder:reloadConfigOnChange=false", .. args]);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            // what is longer than RequestTarget takes, and not absurd, is read: Kestrel's own refusal says nothing
            kestrel.Limits.MaxRequestLineSize = 8 * RequestTarget.MaxChars;
        });
        // a statement each would drown what an operator looks for
        builder.Logging.AddFilter("Microsoft.EntityFrameworkCore.Database.Command", LogLevel.Warning).AddFilter("Npgsql.Command", LogLevel.Warning);
        configure?.Invoke(builder);
        builder.Configuration.AddFleetSecretsAndCheck();
        var fleet = builder.Configuration.GetSection(FleetConfiguration.Section);
        AddOptions<DatabaseOptions>(builder.Services, fleet.GetSection("DATABASE"));
        var auth = AddOptions<AuthOptions>(builder.Services, fleet.GetSection("AUTH"));
        AddOptions<WorkersOptions>(builder.Services, fleet.GetSection("WORKERS"));
        AddOptions<RetentionOptions>(builder.Services, fleet.GetSection("RETENTION"));
        var api = AddOptions<ApiOptions>(builder.Services, fleet.GetSection("API"));
        if (api.Urls is { } urls)
        {
            builder.WebHost.UseUrls(urls);
        }

        builder.WebHost.ConfigureKestrel(kestrel => kestrel.UseFleetTls(api.Tls));
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services
            .AddFleetDatabase()
            .AddFleetAccess(auth)
            .AddFleetConventions()
            .AddFleetEvents()
            .AddFleetOperations()
            .AddFleetWorkers()
            .AddFleetSync()
            .AddFleetResources()
            .AddFleetTelemetry(builder.Configuration);
        builder.Services.AddSingleton<BootstrapAdmin>().AddSingleton<Startup>().AddHostedService(provider => provider.GetRequiredService<Startup>());
        builder.Services.AddSingleton<GracefulShutdown>().AddHostedService(provider => provider.GetRequiredService<GracefulShutdown>());

        var app = builder.Build();
        app.UseKnownProxies(api.KnownProxies);
        app.Use(app.Services.GetRequiredService<GracefulShutdown>().EndConnectionAsync);
        app.UseFleetConventions(api.MaxJsonBytes);
        app.UseFleetSwagger();
        app.UseRouting();
        var limits = app.Services.GetRequiredService<RequestLimits>();
        app.Use(limits.LimitAddressAsync);
        app.UseAuthentication();
        app.Use(limits.LimitCallerAsync);
        app.UseAuthorization();
        app.MapFleetHealth();
        app.MapControllers().Add(IdleSyncEndpoint.Apply);
        app.MapFleetResources();
        FleetConfiguration.LogEffective(app.Configuration, app.Logger);
        return app;
    }

    /// <summary>Applies the migrations, waiting for the database; the web start never does.</summary>
    public static Task MigrateAsync(WebApplication app, CancellationToken cancellationToken = default) =>
        DatabaseSetup.MigrateAsync(app.Services, cancellationToken);

    private static T AddOptions<T>(IServiceCollection services, IConfigurationSection section)
        where T : class, new()
    {
        services.AddOptions<T>().Bind(section).ValidateDataAnnotations().ValidateOnStart();
        var options = new T();
        section.Bind(options);
        return options;
    }
}
