using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;
using PmemFleet.Api.Hosting;
using PmemFleet.Api.Hosts;

namespace PmemFleet.Api.Persistence;

/// <summary>The database's registrations and its schema.</summary>
public static class DatabaseSetup
{
    public static IServiceCollection AddFleetDatabase(this IServiceCollection services)
    {
        services.AddSingleton(provider => new NpgsqlDataSourceBuilder(provider.GetRequiredService<IOptions<DatabaseOptions>>().Value.ToConnectionString())
        {
            ConnectionStringBuilder =
            {
                ApplicationName = "pmemfleet-api",
                IncludeErrorDetail = false,
                KeepAlive = 30,

                // nothing here outlives its transaction (locks, settings), and seven statements that undo it were sent for each connection that was used
                NoResetOnClose = true,

                // A plan is made once and kept: while a table has few rows, or no statistics yet, reading all of it looks cheap, and is not for long.
                // Everything the Api asks has an index. (jit would take a plan without one, which is made to look dear, for worth compiling.)
                Options = "-c timezone=UTC -c enable_seqscan=off -c jit=off",

                // half of the server's time went into planning the same statements again
                MaxAutoPrepare = 200,
                AutoPrepareMinUsages = 2,
            },
        }.UseLoggerFactory(provider.GetRequiredService<ILoggerFactory>()).Build());
        services.AddPooledDbContextFactory<FleetDbContext>((provider, options) => options
            .UseNpgsql(provider.GetRequiredService<NpgsqlDataSource>())
            .UseSnakeCaseNamingConvention());
        services.AddScoped(provider => provider.GetRequiredService<IDbContextFactory<FleetDbContext>>().CreateDbContext());
        services.AddSingleton(new HostCache(HostCache.MostBytes)).AddSingleton<WakeUps>().AddSingleton<FleetTransactions>().AddSingleton<DatabaseReadiness>();
        services.AddHostedService<NotifyListener>();
        return services;
    }

    /// <summary>Brings the schema to this program's version. Only <c>--migrate</c>, the Lab and tests call it.</summary>
    public static async Task MigrateAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var contexts = services.GetRequiredService<IDbContextFactory<FleetDbContext>>();
        await services.GetRequiredService<DatabaseReadiness>().RetryAsync(
            async token =>
            {
                await using var db = await contexts.CreateDbContextAsync(token);
                await db.Database.MigrateAsync(token);
            },
            cancellationToken);
    }
}
