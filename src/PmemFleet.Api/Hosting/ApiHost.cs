namespace PmemFleet.Api.Hosting;

/// <summary>The Api as a whole: its own program, the Lab and the tests build it here.</summary>
public static class ApiHost
{
    /// <param name="args">The command line.</param>
    /// <param name="configure">The last word on configuration and services, before the options are read.</param>
    public static WebApplication Build(string[] args, Action<WebApplicationBuilder>? configure = null)
    {
        var builder = WebApplication.CreateBuilder(args);
        configure?.Invoke(builder);
        builder.Services.AddFleetResources();
        var app = builder.Build();
        app.MapFleetResources();
        return app;
    }

    /// <summary>Applies the migrations; the web start never does.</summary>
    public static Task MigrateAsync(WebApplication app, CancellationToken cancellationToken = default) => Task.CompletedTask;
}
