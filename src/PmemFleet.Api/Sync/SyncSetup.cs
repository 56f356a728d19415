namespace PmemFleet.Api.Sync;

public static class SyncSetup
{
    public static IServiceCollection AddFleetSync(this IServiceCollection services)
    {
        return services.AddSingleton<WorkerSync>().AddSingleton<Inboxes>().AddSingleton<IdleSyncs>().AddSingleton<GroupedSyncs>().AddSingleton<SyncUp>().AddSingleton<SyncDown>();
    }
}
