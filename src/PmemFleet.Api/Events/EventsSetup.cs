namespace PmemFleet.Api.Events;

public static class EventsSetup
{
    public static IServiceCollection AddFleetEvents(this IServiceCollection services) =>
        services.AddSingleton<EventFeed>().AddSingleton<EventSequencer>().AddHostedService<EventNumbering>();
}
