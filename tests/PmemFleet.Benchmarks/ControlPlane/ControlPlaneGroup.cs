using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using Npgsql;
using PmemFleet.Benchmarks.Harness;
using PmemFleet.Lab.Processes;

namespace PmemFleet.Benchmarks.ControlPlane;

/// <summary>
/// The Api over a PostgreSQL on the same machine. <c>PMEMFLEET_BENCH_SHARE</c> (percent, default 100) makes the fleets smaller, to try it in a minute;
/// <c>PMEMFLEET_BENCH_PART</c> names what alone is run: heartbeats, creates, fleet, lab, or several with commas between them.
/// </summary>
internal sealed class ControlPlaneGroup : BenchmarkGroup
{
    private const int Clients = 32;
    private const int Runs = 3;

    private static readonly double Share = double.Parse(Environment.GetEnvironmentVariable("PMEMFLEET_BENCH_SHARE") ?? "100", CultureInfo.InvariantCulture) / 100;
    private static readonly string[]? Parts = Environment.GetEnvironmentVariable("PMEMFLEET_BENCH_PART")?.Split(',');

    public override string Name => "control-plane";

    public override async Task<IReadOnlyList<Figure>> MeasureAsync(Action<string> say, CancellationToken token)
    {
        var figures = new List<Figure>();
        if (IsAsked("heartbeats") || IsAsked("creates") || IsAsked("fleet"))
        {
            await using var fleet = await ControlPlaneUnderTest.StartAsync(say, token);
            using var http = fleet.NewClient();
            Func<Task>[] parts =
            [
                () => IsAsked("heartbeats") ? HeartbeatsAsync(fleet, figures, say, token) : Task.CompletedTask,
                () => IsAsked("creates") ? CreatesAndDispatchAsync(fleet, http, figures, say, token) : Task.CompletedTask,
                () => IsAsked("fleet") ? WholeFleetAsync(fleet, http, figures, say, token) : Task.CompletedTask,
            ];
            foreach (var part in parts)
            {
                await part();
                say($"the Api's peak memory so far: {fleet.ApiPeakBytes >> 20} MiB; {fleet.ApiSeconds:F1} s of CPU, PostgreSQL {fleet.PostgresSeconds:F1} s");
            }

            figures.Add(Figure.Of("api-memory", "MiB", 400, Better.Lower, "the Api's peak resident set over all of the above", fleet.ApiPeakBytes / 1048576.0));
        }

        if (IsAsked("lab"))
        {
            say("starting the lab");
            var lab = new List<double>();
            for (var run = 0; run <= Runs; run++)
            {
                lab.Add(await LabReadyAsync(token));
            }

            figures.Add(Figure.Of("lab-ready", "s", 8, Better.Lower, "dotnet run --no-build, to the line with its address, with a new database each time", lab[1..]));
        }

        return figures;
    }

    private static bool IsAsked(string part) => Parts is null || Parts.Contains(part);

    private static int Scaled(int count) => Math.Max(4, (int)(count * Share));

    private static async Task HeartbeatsAsync(ControlPlaneUnderTest fleet, List<Figure> figures, Action<string> say, CancellationToken token)
    {
        var count = Scaled(5000);
        say($"{count} workers join");
        using var http = fleet.NewClient(null);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(token);
        var workers = new List<Task>();
        foreach (var batch in Enumerable.Range(0, count).Chunk(100))
        {
            var joined = await Task.WhenAll(batch.Select(number => ProtocolWorker.JoinAsync(http, $"idle-{number}", "idle", token)));
            workers.AddRange(joined.Select(worker => worker.RunAsync(stop.Token)));
        }

        await Task.Delay(TimeSpan.FromSeconds(12), token);
        say("they do nothing for 30 s");
        var shares = new List<double>();
        var apiOnly = new List<double>();
        for (var run = 0; run < Runs; run++)
        {
            var (api, postgres, start) = (fleet.ApiSeconds, fleet.PostgresSeconds, Stopwatch.GetTimestamp());
            await Task.Delay(TimeSpan.FromSeconds(10), token);
            var elapsed = Stopwatch.GetElapsedTime(start).TotalSeconds;
            apiOnly.Add((fleet.ApiSeconds - api) / elapsed * 100);
            shares.Add((fleet.ApiSeconds - api + fleet.PostgresSeconds - postgres) / elapsed * 100);
        }

        await stop.CancelAsync();
        await Task.WhenAll(workers);
        figures.Add(Figure.Of("heartbeats", "%", 10, Better.Lower, $"of one core, Api and PostgreSQL together, {count} workers with a long poll of 10 s each", shares));
        figures.Add(Figure.Of("heartbeats-api", "%", null, Better.Lower, "the Api's part of it", apiOnly));
        figures.Add(Figure.Of("heartbeats-yardstick", "%", null, Better.Lower, "PostgreSQL alone, as many leases renewed in 10 s by a plain UPDATE each", await LeaseYardstick.MeasureAsync(fleet, count, token)));
    }

    private static async Task CreatesAndDispatchAsync(ControlPlaneUnderTest fleet, HttpClient http, List<Figure> figures, Action<string> say, CancellationToken token)
    {
        var hosts = Scaled(1000);
        say($"{hosts} hosts");
        await ApplyAsync(http, $$$"""{"hosts":[{"name":"bench-{n}","count":{{{hosts}}},"dimms":[{"capacity":"4G","labelVersion":"1.2"}],"regions":[{"ways":1}]}]}""", token);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(token);
        using var workerHttp = fleet.NewClient(null);
        var workers = await Task.WhenAll(Enumerable.Range(0, 4).Select(number => ProtocolWorker.JoinAsync(workerHttp, $"bench-{number}", "default", token)));
        var running = workers.Select(worker => worker.RunAsync(stop.Token)).ToList();
        await UntilAsync(fleet, "SELECT count(*) FROM hosts WHERE state <> 'ready'", token);

        say("creating namespaces");
        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(fleet.ConnectionString) { MaxPoolSize = Clients }.ConnectionString);
        await YardstickTableAsync(source, token);
        var pgbench = await Pgbench.PrepareAsync(fleet.ConnectionString, Clients, token);
        var transactions = new List<double>();
        var next = 0;
        double Creates() => RateAsync(TimeSpan.FromSeconds(6), async () =>
        {
            var host = Interlocked.Increment(ref next) % hosts;
            using var body = new StringContent("""{"mode":"raw","size":"16M"}""", Encoding.UTF8, "application/json");
            using var answer = await http.PostAsync(new Uri($"/v1/hosts/bench-{host + 1}/namespaces", UriKind.Relative), body, token);
            return answer.StatusCode == HttpStatusCode.Created;
        }).GetAwaiter().GetResult();
        var commits = new List<double>();
        double Commits()
        {
            transactions.Add(pgbench?.RateAsync(TimeSpan.FromSeconds(4), token).GetAwaiter().GetResult() ?? double.NaN);
            return Keep(commits, RateAsync(TimeSpan.FromSeconds(4), async () =>
            {
                await using var command = source.CreateCommand("INSERT INTO bench_yardstick (id, at) VALUES (gen_random_uuid(), now())");
                return await command.ExecuteNonQueryAsync(token) == 1;
            }).GetAwaiter().GetResult());
        }

        var creates = new List<double>();
        var (apiOfOne, postgresOfOne) = (new List<double>(), new List<double>());
        double CreatesAndTheirCpu()
        {
            var (api, postgres, before) = (fleet.ApiSeconds, fleet.PostgresSeconds, next);
            var rate = Creates();
            apiOfOne.Add((fleet.ApiSeconds - api) * 1000 / (next - before));
            postgresOfOne.Add((fleet.PostgresSeconds - postgres) * 1000 / (next - before));
            return Keep(creates, rate);
        }

        var ratios = Stopwatches.Ratios(Runs, CreatesAndTheirCpu, Commits);
        // the yardstick is PostgreSQL's own benchmark; the bare loop stands in for it where it is not installed, and is information else
        figures.Add(Figure.Of("creates-vs-commits", "x", pgbench is null ? 0.25 : null, Better.Higher, $"{Clients} clients over {hosts} hosts, each create answered 201 behind the worker's bind; against one-row commits on {Clients} connections", ratios));
        if (pgbench is not null)
        {
            figures.Add(Figure.Of("creates-vs-pgbench", "x", 0.25, Better.Higher, $"the same, against the transactions of pgbench as it comes, with {Clients} clients", [.. creates[1..].Zip(transactions[1..], (create, transaction) => create / transaction)]));
        }

        figures.Add(Figure.Of("creates", "1/s", null, Better.Higher, "namespaces created a second", creates[1..]));
        figures.Add(Figure.Of("create-api", "ms", null, Better.Lower, "the Api's CPU time of one create, the sync of its worker and the wait included", apiOfOne[1..]));
        figures.Add(Figure.Of("create-postgres", "ms", null, Better.Lower, "PostgreSQL's CPU time of one create", postgresOfOne[1..]));

        say("dispatching");
        var (accepted, dispatched) = (new List<double>(), new List<double>());
        for (var run = 0; run < Runs; run++)
        {
            // the workers stand still while the queue fills
            await stop.CancelAsync();
            await Task.WhenAll(running);
            var tasks = Scaled(6000);
            next = 0;
            var asked = Stopwatch.GetTimestamp();
            await Task.WhenAll(Enumerable.Range(0, Clients).Select(async _ =>
            {
                int number;
                while ((number = Interlocked.Increment(ref next)) <= tasks)
                {
                    using var request = new HttpRequestMessage(HttpMethod.Post, $"/v1/hosts/bench-{(number % hosts) + 1}/media-errors")
                    {
                        Content = new StringContent($$"""{"dimm":"nmem0","offset":{{number * 4096L % (1L << 31)}},"length":256}""", Encoding.UTF8, "application/json"),
                    };
                    request.Headers.Add("Prefer", "respond-async");
                    using var answer = await http.SendAsync(request, token);
                    answer.EnsureSuccessStatusCode();
                }
            }));
            accepted.Add(tasks / Stopwatch.GetElapsedTime(asked).TotalSeconds);
            using var again = CancellationTokenSource.CreateLinkedTokenSource(token);
            var start = Stopwatch.GetTimestamp();
            running = [.. workers.Select(worker => worker.RunAsync(again.Token))];
            await UntilAsync(fleet, "SELECT count(*) FROM tasks WHERE NOT done", token);
            dispatched.Add(tasks / Stopwatch.GetElapsedTime(start).TotalSeconds);
            await again.CancelAsync();
            await Task.WhenAll(running);
            running = [];
        }

        figures.Add(Figure.Of("accepted", "1/s", null, Better.Higher, $"changes that are only accepted (202, nobody waits, no worker runs), {Clients} clients: what a create cannot be faster than", accepted));
        figures.Add(Figure.Of("dispatched", "1/s", 3000, Better.Higher, "waiting changes given to 4 workers, done, reported, applied and ended", dispatched));
        figures.Add(Figure.Of("dispatch-yardstick", "1/s", null, Better.Higher, $"bare one-row commits on {Clients} connections, in the same run", commits[1..]));
    }

    private static async Task WholeFleetAsync(ControlPlaneUnderTest fleet, HttpClient http, List<Figure> figures, Action<string> say, CancellationToken token)
    {
        var hosts = Scaled(5000);
        say($"a fleet of {hosts} hosts, {hosts * 12} DIMMs, {hosts * 20} namespaces");
        const int Few = 3;
        const string Devices = """
            "mediaPool":"big","dimms":[{"count":12,"capacity":"16G","labelVersion":"1.2"}],"regions":[{"ways":6}],"namespaces":[{"mode":"devdax","size":"768M","count":20}]
            """;
        var document = $$$"""
            {"hosts":[{"name":"big-{n}","count":{{{hosts - Few}}},"labels":{"fleet":"big"},{{{Devices}}}},
            {"name":"big-few-{n}","count":{{{Few}}},"labels":{"fleet":"big","few":"yes"},{{{Devices}}}}]}
            """;
        var start = Stopwatch.GetTimestamp();
        await ApplyAsync(http, document, token);
        figures.Add(Figure.Of("fleet-applied", "s", 60, Better.Lower, $"{hosts} hosts, {hosts * 12} DIMMs, {hosts * 20} namespaces in one PUT", Stopwatch.GetElapsedTime(start).TotalSeconds));
        var rows = (hosts * 20.0) + (hosts * 12);
        await using var source = NpgsqlDataSource.Create(fleet.ConnectionString);
        await YardstickTableAsync(source, token);
        start = Stopwatch.GetTimestamp();
        await using (var connection = await source.OpenConnectionAsync(token))
        {
            await using var copy = await connection.BeginBinaryImportAsync("COPY bench_yardstick (id, at) FROM STDIN (FORMAT BINARY)", token);
            for (var row = 0; row < rows; row++)
            {
                await copy.StartRowAsync(token);
                await copy.WriteAsync(Guid.NewGuid(), token);
                await copy.WriteAsync(TimeProvider.System.GetUtcNow(), token);
            }

            await copy.CompleteAsync(token);
        }

        figures.Add(Figure.Of("fleet-yardstick", "s", null, Better.Lower, $"a bare COPY of {rows:N0} narrow rows", Stopwatch.GetElapsedTime(start).TotalSeconds));

        say("reading");
        var all = await ReadTimes.PagesP99Async(http, token);
        figures.Add(Figure.Of("list-page-p99", "ms", 100, Better.Lower, $"a page of 1,000 namespaces of it, one client, all of its pages {ReadTimes.Walks} times; the slowest {all.Slowest:F0} ms", all.P99));
        var labelled = await ReadTimes.LabelledPagesP99Async(http, "fleet=big", hosts * 20, ReadTimes.Walks * hosts * 20 / 1000, token);
        figures.Add(Figure.Of("labelled-page-p99", "ms", 100, Better.Lower, $"such a page by a label that all of its hosts have, and no other; the slowest {labelled.Slowest:F0} ms", labelled.P99));
        var few = await ReadTimes.LabelledPagesP99Async(http, "few=yes", Few * 20, 100, token);
        figures.Add(Figure.Of("few-labelled-p99", "ms", 100, Better.Lower, $"the namespaces of {Few} hosts by their label, 100 requests", few.P99));
        figures.Add(Figure.Of("get-p99", "ms", 20, Better.Lower, "one namespace, one client, 500 requests", await ReadTimes.P99Async(http, 500, number => $"/v1/hosts/big-{(number % (hosts - Few)) + 1}/namespaces/namespace0.{number % 10}", token)));
        figures.Add(Figure.Of("list-yardstick", "ms", null, Better.Lower, "the rows of such a page by a plain SELECT, p99", await ReadTimes.SelectP99Async(source, 100, "SELECT * FROM namespaces ORDER BY host_id, region_id, number LIMIT 1000", token)));
        figures.Add(Figure.Of("get-yardstick", "ms", null, Better.Lower, "one host's row by a plain SELECT, p99", await ReadTimes.SelectP99Async(source, 500, "SELECT * FROM hosts WHERE name = 'big-7'", token)));
    }

    private static async Task ApplyAsync(HttpClient http, string document, CancellationToken token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, "/v1/fleet") { Content = new StringContent(document, Encoding.UTF8, "application/json") };
        request.Headers.TryAddWithoutValidation("If-Match", "*");
        request.Headers.Add("Prefer", "respond-async");
        using var answer = await http.SendAsync(request, token);
        if (!answer.IsSuccessStatusCode)
        {
            throw new InvalidOperationException(await answer.Content.ReadAsStringAsync(token));
        }
    }

    /// <summary>Successes a second of that many clients; a failure ends the measurement.</summary>
    private static async Task<double> RateAsync(TimeSpan duration, Func<Task<bool>> act)
    {
        var (count, start) = (0, Stopwatch.GetTimestamp());
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(async _ =>
        {
            while (Stopwatch.GetElapsedTime(start) < duration)
            {
                if (!await act())
                {
                    throw new InvalidOperationException("a measured request was refused");
                }

                Interlocked.Increment(ref count);
            }
        }));
        return count / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static double Keep(List<double> all, double value)
    {
        all.Add(value);
        return value;
    }

    private static async Task YardstickTableAsync(NpgsqlDataSource source, CancellationToken token)
    {
        await using var command = source.CreateCommand("CREATE TABLE IF NOT EXISTS bench_yardstick (id uuid PRIMARY KEY, at timestamptz NOT NULL)");
        await command.ExecuteNonQueryAsync(token);
    }

    private static async Task UntilAsync(ControlPlaneUnderTest fleet, string countToZero, CancellationToken token)
    {
        await using var source = NpgsqlDataSource.Create(fleet.ConnectionString);
        while (true)
        {
            await using var command = source.CreateCommand(countToZero);
            if ((long)(await command.ExecuteScalarAsync(token))! == 0)
            {
                return;
            }

            await Task.Delay(20, token);
        }
    }

    private static async Task<double> LabReadyAsync(CancellationToken token)
    {
        var project = Path.Combine(Root(), "src", "PmemFleet.Lab");
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var configuration = AppContext.BaseDirectory.Contains("release", StringComparison.OrdinalIgnoreCase) ? "Release" : "Debug";
        var start = Stopwatch.GetTimestamp();
        await using var lab = ChildProcess.Start(["dotnet", "run", "--no-build", "-c", configuration, "--project", project], null, new Dictionary<string, string?>(), Libc.SigTerm, line =>
        {
            if (line.Contains("PMEMFLEET_URL=", StringComparison.Ordinal))
            {
                ready.TrySetResult();
            }
        });
        await ready.Task.WaitAsync(TimeSpan.FromMinutes(2), token);
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        await lab.StopAsync(TimeSpan.FromSeconds(20));
        return seconds;
    }

    private static string Root()
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "PmemFleet.sln")))
            {
                return at.FullName;
            }
        }

        throw new InvalidOperationException("the benchmarks run from inside the repository");
    }
}
