namespace PmemFleet.Api.Events;

public static class EventsSetup
{
    public static IServiceCollection AddFleetEvents(this IServiceCollection services) =>
        services.AddSingleton<EventFeed>().AddSingleton<EventSequencer>().AddSingleton<EventCompaction>().AddHostedService<EventCompactionLoop>()
            .AddHostedService<EventNumbering>();
}
