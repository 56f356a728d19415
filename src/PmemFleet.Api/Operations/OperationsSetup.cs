namespace PmemFleet.Api.Operations;

public static class OperationsSetup
{
    public static IServiceCollection AddFleetOperations(this IServiceCollection services) => services
        .AddSingleton<OperationQueue>().AddSingleton<OperationReads>().AddSingleton<EndedOperations>().AddSingleton<OperationWaiter>().AddSingleton<TaskResults>().AddSingleton<CancelOperation>()
        .AddSingleton<OperationExpiry>().AddHostedService(services => services.GetRequiredService<OperationExpiry>());
}
