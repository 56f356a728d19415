using PmemFleet.Api.Access;
using PmemFleet.Api.Persistence;

namespace PmemFleet.Api.Hosting;

/// <summary>What has to happen once, as soon as the database is there. The web server does not wait for it; <c>/readyz</c> does.</summary>
public sealed class Startup(DatabaseReadiness database, BootstrapAdmin admin) : BackgroundService
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends when the Api can serve requests.</summary>
    public Task Done => _done.Task;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await database.WaitAsync(stoppingToken);
        await database.RetryAsync(admin.EnsureAsync, stoppingToken);
        _done.SetResult();
    }
}
