namespace PmemFleet.Api.Hosting;

/// <summary>Registers the resources' features: model, data plane, API description.</summary>
public static class ResourcesSetup
{
    public static IServiceCollection AddFleetResources(this IServiceCollection services) => services;

    public static WebApplication MapFleetResources(this WebApplication app) => app;
}
