using Npgsql;
using PmemFleet.Chaos.Tests.Support;
using PmemFleet.Lab.Processes;

namespace PmemFleet.Chaos.Tests.Kills;

/// <summary>Kills parts of a fleet, and starts them again; empties workers in between.</summary>
internal sealed class Disturbance(ChaosFleet fleet, Random random)
{
    private readonly SortedDictionary<string, int> _done = new(StringComparer.Ordinal);
    private string? _draining;
    private int _drains;
    private int _resumes;

    public IReadOnlyDictionary<string, int> Done => _done;

    public async Task OnceAsync()
    {
        try
        {
            var dice = random.Next(100);
            var (name, kill) = dice switch
            {
                < 24 => ("kill -9 of an Api", (Func<Task>)(() => RestartAsync(fleet.Replicas))),
                < 48 => ("kill -9 of a worker", () => RestartAsync(fleet.Workers)),
                < 60 => ("pg_terminate_backend", TerminateBackendAsync),
                < 68 => ("pg_terminate_backend of all", TerminateAllAsync),
                < 75 => ("kill -9 of a backend", KillBackendAsync),
                < 80 => ("immediate stop of PostgreSQL", fleet.Server.Postgres.CrashAsync),

                // one worker at a time: where all of them drain, a host that loses its own has nowhere to go
                _ when _draining is { } worker => ("resume of a worker", () => ResumeAsync(worker)),
                < 90 => ("drain of a worker", DrainAsync),
                _ => ("drain of a worker, and kill -9 while it empties", DrainAndKillAsync),
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

    /// <summary>A drain that is under way comes to its end, whatever was killed meanwhile, and every drain and resume happened once.</summary>
    public async Task DemandDrainsAsync()
    {
        if (_draining is { } worker)
        {
            for (var attempt = 0; ; attempt++)
            {
                var seen = await ChaosFleet.MustAsync(fleet.Client.GetAsync($"/v1/workers/{worker}"));
                if ((string?)seen.Body!["state"] == "drained")
                {
                    break;
                }

                Assert.True(attempt < 600, $"{worker} is not emptied: {seen}");
                await Task.Delay(100);
            }

            await ResumeAsync(worker);
        }

        Assert.Equal($"{_drains} drains, {_resumes} resumes", await fleet.ScalarAsync<string>(
            "SELECT count(*) FILTER (WHERE type = 'worker.draining') || ' drains, ' || count(*) FILTER (WHERE type = 'worker.resumed') || ' resumes' FROM events"));
    }

    private async Task DrainAsync()
    {
        var worker = fleet.Workers[random.Next(fleet.Workers.Count)].Name;
        await ChaosFleet.MustAsync(fleet.Client.PostAsync($"/v1/workers/{worker}/drain", null, $"drain-{++_drains}"));
        _draining = worker;
    }

    private async Task DrainAndKillAsync()
    {
        await DrainAsync();
        await Task.Delay(random.Next(0, 400));
        await RestartAsync(random.Next(3) == 0 ? fleet.Replicas : fleet.Workers);
    }

    private async Task ResumeAsync(string worker)
    {
        await ChaosFleet.MustAsync(fleet.Client.PostAsync($"/v1/workers/{worker}/resume", null, $"resume-{++_resumes}"));
        _draining = null;
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
