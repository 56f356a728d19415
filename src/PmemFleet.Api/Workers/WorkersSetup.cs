namespace PmemFleet.Api.Workers;

public static class WorkersSetup
{
    public static IServiceCollection AddFleetWorkers(this IServiceCollection services) => services
        .AddSingleton<JoinWorker>().AddSingleton<HostPlacement>().AddHostedService<HostPlacementLoop>();
}
