using Npgsql;
using PmemFleet.Chaos.Tests.Support;
using PmemFleet.Lab.Processes;

namespace PmemFleet.Chaos.Tests.Kills;

/// <summary>Kills parts of a fleet, and starts them again.</summary>
internal sealed class Disturbance(ChaosFleet fleet, Random random)
{
    private readonly SortedDictionary<string, int> _done = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, int> Done => _done;

    public async Task OnceAsync()
    {
        try
        {
            var dice = random.Next(100);
            var (name, kill) = dice switch
            {
                < 30 => ("kill -9 of an Api", (Func<Task>)(() => RestartAsync(fleet.Replicas))),
                < 60 => ("kill -9 of a worker", () => RestartAsync(fleet.Workers)),
                < 75 => ("pg_terminate_backend", TerminateBackendAsync),
                < 85 => ("pg_terminate_backend of all", TerminateAllAsync),
                < 93 => ("kill -9 of a backend", KillBackendAsync),
                _ => ("immediate stop of PostgreSQL", fleet.Server.Postgres.CrashAsync),
            };
            await kill();
            _done[name] = _done.GetValueOrDefault(name) + 1;
        }
        catch (NpgsqlException)
        {
            // the server is recovering from the disturbance before
            await fleet.Server.Postgres.WaitAsync();
        }
    }

    private async Task RestartAsync(IReadOnlyList<ServiceProcess> processes)
    {
        var process = processes[random.Next(processes.Count)];
        process.Kill();
        await Task.Delay(random.Next(0, 1500));
        await process.RestartAsync();
    }

    private async Task TerminateBackendAsync()
    {
        if (await fleet.Server.Postgres.BackendsAsync(fleet.Database) is { Count: > 0 } pids)
        {
            await fleet.Server.Postgres.ExecuteAsync($"SELECT pg_terminate_backend({pids[random.Next(pids.Count)]})");
        }
    }

    private Task TerminateAllAsync() =>
        fleet.Server.Postgres.ExecuteAsync($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{fleet.Database}'");

    /// <summary>The server then ends all its backends and recovers.</summary>
    private async Task KillBackendAsync()
    {
        if (await fleet.Server.Postgres.BackendsAsync(fleet.Database) is { Count: > 0 } pids)
        {
            _ = Libc.Kill(pids[random.Next(pids.Count)], Libc.SigKill);
            await Task.Delay(100);
            await fleet.Server.Postgres.WaitAsync();
        }
    }
}
