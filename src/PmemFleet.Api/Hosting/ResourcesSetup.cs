using PmemFleet.Api.Campaigns;
using PmemFleet.Api.DataPlane;
using PmemFleet.Api.Dimms;
using PmemFleet.Api.Fleets;
using PmemFleet.Api.Health;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.MediaErrors;
using PmemFleet.Api.Namespaces;
using PmemFleet.Api.Ndctl;
using PmemFleet.Api.OpenApi;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Planner;
using PmemFleet.Api.Problems;
using PmemFleet.Api.Sync;
using PmemFleet.Api.Workloads;
using PmemFleet.Contracts.Problems;

namespace PmemFleet.Api.Hosting;

/// <summary>Registers the resources' features: model, data plane, API description.</summary>
public static class ResourcesSetup
{
    public static IServiceCollection AddFleetResources(this IServiceCollection services) => services
        .AddWorkerClient()
        .AddSingleton<WorkerTargets>()
        .AddSingleton<DataPlaneAudit>()
        .AddScoped<DataPlaneProxy>()
        .AddScoped<DimmImage>()
        .AddScoped<NamespaceData>()
        .AddScoped<ToolListings>()
        .AddScoped<CheckHost>()
        .AddSingleton<FleetExport>()
        .AddScoped<HostReadiness>()
        .AddSingleton<DeleteHost>()
        .AddSingleton<PageTablePlans>()
        .AddSingleton<StartCampaign>()
        .AddSingleton<IHostBoot, HostBoot>()
        .AddSingleton<IHostLayouts, HostLayouts>()
        .AddSingleton<IDimmObservationSink, DimmObservations>()
        .AddSingleton<ITaskCompletion, BootCompletion>()
        .AddSingleton<ITaskCompletion, PowerCompletion>()
        .AddSingleton<ITaskCompletion, DeviceCompletion>()
        .AddSingleton<ITaskCompletion, HealthCompletion>()
        .AddSingleton<ITaskCompletion, CampaignCompletion>()
        .AddSingleton<ITaskCompletion, DeleteHostCompletion>()
        .AddSingleton<ITaskCompletion, WorkloadCompletion>()
        .AddSingleton(new ConstraintRefusal("ux_hosts_name", new RefusalDto
        {
            Errno = "EEXIST",
            Code = "host-exists",
            Message = "There is a host of this name already.",
            Subject = "name",
        }))
        .AddFleetDescription();

    public static WebApplication MapFleetResources(this WebApplication app) => app.MapFleetDescription();
}
