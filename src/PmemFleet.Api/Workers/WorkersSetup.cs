using PmemFleet.Api.Operations;

namespace PmemFleet.Api.Workers;

public static class WorkersSetup
{
    public static IServiceCollection AddFleetWorkers(this IServiceCollection services) => services
        .AddSingleton<JoinWorker>().AddSingleton<ReportConditions>().AddSingleton<HostPlacement>().AddSingleton<HostEvacuation>()
        .AddSingleton<ITaskCompletion>(services => services.GetRequiredService<HostEvacuation>()).AddHostedService<HostPlacementLoop>();
}
