using Microsoft.Extensions.DependencyInjection.Extensions;
using PmemFleet.Api.Operations;

namespace PmemFleet.Api.Sync;

public static class SyncSetup
{
    public static IServiceCollection AddFleetSync(this IServiceCollection services)
    {
        services.AddSingleton<WorkerSync>().AddSingleton<SyncUp>().AddSingleton<SyncDown>();

        // until the resources bring the real ones
        services.TryAddSingleton<IHostBoot, BareHosts>();
        services.TryAddSingleton<IHostLayouts, BareHosts>();
        services.TryAddSingleton<IDimmObservationSink, BareHosts>();
        return services.AddSingleton<ITaskCompletion, BareHosts>();
    }
}
