using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Npgsql;
using PmemFleet.Chaos.Tests.Wires;

namespace PmemFleet.Chaos.Tests.Support;

/// <summary>How a test's fleet is made.</summary>
internal sealed record FleetShape
{
    public int Replicas { get; init; } = 2;

    public int Workers { get; init; } = 2;

    public int LeaseSeconds { get; init; } = 5;

    public int FailoverSeconds { get; init; } = 1;

    /// <summary>Lines of each process's log.</summary>
    public int LinesKept { get; init; } = 4000;

    /// <summary>A database that is there already, and the media that belong to it.</summary>
    public (string Database, string Media)? Restored { get; init; }

    /// <summary>More variables of every process.</summary>
    public IReadOnlyDictionary<string, string> Variables { get; init; } = new Dictionary<string, string>();

    /// <summary>How long clients, the supervision and looks at the database wait before they try again.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromMilliseconds(150);

    /// <summary>Where each Api finds the database: a proxy's port.</summary>
    public IReadOnlyList<int>? PostgresPorts { get; init; }
}

internal static class ProcessVariables
{
    /// <summary>More variables, which are stronger.</summary>
    public static Dictionary<string, string> With(this Dictionary<string, string> variables, IEnumerable<KeyValuePair<string, string>> more)
    {
        foreach (var (name, value) in more)
        {
            variables[name] = value;
        }

        return variables;
    }
}

/// <summary>Api replicas behind a load balancer, workers over one media folder, and a database of their own: processes, each of which can be killed.</summary>
internal sealed class ChaosFleet : IAsyncDisposable
{
    public const string AdminKey = "pmf_chaos_0123456789abcdef0123456789abcdef";
    public const string JoinToken = "join-token-of-the-chaos-tests";

    private readonly List<ServiceProcess> _replicas = [];
    private readonly List<ServiceProcess> _workers = [];
    private readonly List<Uri> _workerUrls = [];
    private readonly TimeSpan _pause;

    private ChaosFleet(ChaosServer server, string database, string media, HttpWire front, HttpWire workerWire, IReadOnlyList<Uri> replicaUrls, TimeSpan pause)
    {
        (Server, Database, Media, Front, WorkerWire, ReplicaUrls) = (server, database, media, front, workerWire, replicaUrls);
        Http = NewClient(AdminKey);
        Client = new PatientClient(Http) { Pause = pause };
        _pause = pause;
    }

    public ChaosServer Server { get; }

    public string Database { get; }

    /// <summary>The media pool's folder.</summary>
    public string Media { get; }

    /// <summary>The clients' way to the Apis.</summary>
    public HttpWire Front { get; }

    /// <summary>The workers' way to the Apis.</summary>
    public HttpWire WorkerWire { get; }

    public IReadOnlyList<Uri> ReplicaUrls { get; }

    public IReadOnlyList<ServiceProcess> Replicas => _replicas;

    public IReadOnlyList<ServiceProcess> Workers => _workers;

    public IReadOnlyList<Uri> WorkerUrls => _workerUrls;

    /// <summary>An admin's client, through the load balancer.</summary>
    public HttpClient Http { get; }

    public PatientClient Client { get; }

    public string ConnectionString => Server.Postgres.ConnectionString(Database);

    public static async Task<ChaosFleet> StartAsync(ChaosServer server, FleetShape shape)
    {
        var database = shape.Restored?.Database ?? await server.CreateDatabaseAsync();
        var urls = Enumerable.Range(0, shape.Replicas).Select(_ => new Uri($"http://127.0.0.1:{Ports.Free()}")).ToList();
        var media = shape.Restored?.Media ?? Directory.CreateTempSubdirectory("pmemfleet-chaos-").FullName;
        var fleet = new ChaosFleet(server, database, media, await HttpWire.StartAsync(urls), await HttpWire.StartAsync(urls), urls, shape.Pause);
        foreach (var (url, number) in urls.Select((url, number) => (url, number)))
        {
            fleet._replicas.Add(new ServiceProcess($"api-{number}", "PmemFleet.Api.dll", new Dictionary<string, string>
            {
                ["PMEMFLEET__DATABASE__CONNECTIONSTRING"] = server.Postgres.ConnectionString(database, shape.PostgresPorts?[number]),
                ["PMEMFLEET__AUTH__BOOTSTRAPADMINKEY"] = AdminKey,
                ["PMEMFLEET__WORKERS__JOINTOKEN"] = JoinToken,
                ["PMEMFLEET__WORKERS__LEASESECONDS"] = shape.LeaseSeconds.ToString(CultureInfo.InvariantCulture),
                ["PMEMFLEET__WORKERS__FAILOVERSECONDS"] = shape.FailoverSeconds.ToString(CultureInfo.InvariantCulture),
                ["PMEMFLEET__API__URLS"] = url.ToString().TrimEnd('/'),
                ["Logging__LogLevel__Default"] = "Warning",
            }.With(shape.Variables))
            {
                LinesKept = shape.LinesKept,
            });
        }

        for (var number = 0; number < shape.Workers; number++)
        {
            fleet._workerUrls.Add(new Uri($"http://127.0.0.1:{Ports.Free()}"));
            fleet._workers.Add(new ServiceProcess($"worker-{number}", "PmemFleet.Worker.dll", new Dictionary<string, string>
            {
                ["PMEMFLEET__WORKER__NAME"] = $"worker-{number}",
                ["PMEMFLEET__WORKER__APIURL"] = fleet.WorkerWire.Url.ToString(),
                ["PMEMFLEET__WORKER__JOINTOKEN"] = JoinToken,
                ["PMEMFLEET__WORKER__DATADIRECTORY"] = media,
                ["PMEMFLEET__WORKER__URLS"] = fleet._workerUrls[number].ToString().TrimEnd('/'),
            }.With(shape.Variables.Where(variable => !variable.Key.StartsWith("PMEMFLEET__", StringComparison.Ordinal))))
            {
                LinesKept = shape.LinesKept,
            });
        }

        fleet._replicas.ForEach(replica => replica.Start());
        fleet._workers.ForEach(worker => worker.Start());
        await fleet.ReadyAsync();
        return fleet;
    }

    /// <summary>A client with another credential, through the load balancer or straight to a replica.</summary>
    public HttpClient NewClient(string? bearer, Uri? address = null) => new(new SocketsHttpHandler
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        RequestHeaderEncodingSelector = (_, _) => System.Text.Encoding.Latin1,
    })
    {
        BaseAddress = address ?? Front.Url,
        Timeout = TimeSpan.FromSeconds(100),
        DefaultRequestHeaders = { Authorization = bearer is null ? null : new AuthenticationHeaderValue("Bearer", bearer) },
    };

    /// <summary>Every process runs, every Api is ready, every worker has joined.</summary>
    public async Task ReadyAsync()
    {
        foreach (var process in _replicas.Concat(_workers))
        {
            await process.EnsureRunningAsync();
        }

        using var http = NewClient(null);
        foreach (var url in ReplicaUrls.Concat(_workerUrls))
        {
            for (var attempt = 0; ; attempt++)
            {
                try
                {
                    using var answer = await http.GetAsync(new Uri(url, "/readyz"));
                    if (answer.IsSuccessStatusCode)
                    {
                        break;
                    }
                }
                catch (HttpRequestException)
                {
                    // it is starting
                }

                Assert.True(attempt < 600, $"{url} is not ready:\n{string.Join('\n', _replicas.Concat(_workers).SelectMany(process => process.Log.TakeLast(10)))}");
                await Task.Delay(100);
            }
        }
    }

    /// <summary>Starts again what ends, as a deployment does.</summary>
    public async Task SuperviseAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            foreach (var process in _replicas.Concat(_workers).Where(process => !process.IsRunning))
            {
                await process.EnsureRunningAsync();
            }

            await Task.Delay(_pause, CancellationToken.None);
        }
    }

    /// <summary>A host whose DIMMs have v1.2 labels, each with a region of its own.</summary>
    public async Task CreateHostAsync(string host, int dimms, long capacity = 512 << 20)
    {
        var request = new JsonObject
        {
            ["name"] = host,
            ["dimms"] = new JsonArray([.. Enumerable.Range(0, dimms).Select(_ => new JsonObject { ["capacity"] = capacity, ["labelSize"] = 131072 })]),
            ["regions"] = new JsonArray([.. Enumerable.Range(0, dimms).Select(i => new JsonObject { ["dimms"] = new JsonArray($"nmem{i}") })]),
        };
        await MustAsync(Client.PostAsync("/v1/hosts", request, $"make-{host}"));
        await HostReadyAsync(host);
        for (var i = 0; i < dimms; i++)
        {
            await MustAsync(Client.PostAsync($"/v1/hosts/{host}/regions/region{i}/disable", null, $"off-{host}-{i}"));
            await MustAsync(Client.PostAsync($"/v1/hosts/{host}/dimms/nmem{i}/labels/init", new JsonObject { ["version"] = "1.2" }, $"init-{host}-{i}"));
            await MustAsync(Client.PostAsync($"/v1/hosts/{host}/regions/region{i}/enable", null, $"on-{host}-{i}"));
        }
    }

    public async Task HostReadyAsync(string host)
    {
        for (var attempt = 0; ; attempt++)
        {
            var answer = await Client.GetAsync($"/v1/hosts/{host}");
            if ((string?)answer.Body?["state"] == "ready")
            {
                return;
            }

            Assert.True(attempt < 600, $"{host} does not become ready: {answer}");
            await Task.Delay(100);
        }
    }

    /// <summary>One value of the database.</summary>
    public async Task<T> ScalarAsync<T>(string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
#pragma warning disable CA2100 // the tests' own text
        await using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
        return (T)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>No operation is under way any more.</summary>
    public async Task QuietAsync(TimeSpan? patience = null)
    {
        var attempts = (patience ?? TimeSpan.FromSeconds(90)).TotalMilliseconds / 100;
        for (var attempt = 0; ; attempt++)
        {
            if (await ScalarAsync<long>("SELECT count(*) FROM operations WHERE ended_at IS NULL") == 0)
            {
                return;
            }

            Assert.True(attempt < attempts, "operations do not end: " + await ScalarAsync<string>(
                "SELECT coalesce(string_agg(kind || ' ' || state || ' ' || host_name || ' ' || coalesce(subject, ''), '; '), 'they do now') FROM operations WHERE ended_at IS NULL"));
            await Task.Delay(100);
        }
    }

    /// <summary>A request that has to succeed.</summary>
    public static async Task<Answer> MustAsync(Task<Answer> asked)
    {
        var answer = await asked;
        Assert.True(answer.IsSuccess, answer.ToString());
        return answer;
    }

    /// <summary>What a failing test shows: what the programs logged as errors.</summary>
    public string Errors() => string.Join('\n', from process in _replicas.Concat(_workers)
                                                from line in process.Log.Where(line => !line.TrimStart().StartsWith("at ", StringComparison.Ordinal)).TakeLast(25)
                                                select $"{process.Name}: {line}");

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        var ended = _workers.Concat(_replicas).SelectMany(process => process.EndedByItself()).ToList();
        foreach (var process in _workers.Concat(_replicas))
        {
            await process.DisposeAsync();
        }

        await Front.DisposeAsync();
        await WorkerWire.DisposeAsync();
        NpgsqlConnection.ClearAllPools();
        Directory.Delete(Media, recursive: true);

        // says more than the failure it covers, if there is one: that nothing answered
        Assert.Empty(ended);
    }
}
