using System.Net.Http.Headers;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using PmemFleet.Api.Hosting;
using PmemFleet.Lab.Postgres;

namespace PmemFleet.Lab.Hosting;

/// <summary>
/// A whole fleet service on one machine: a private PostgreSQL, the Api in this process, and a worker in a process of its own; they talk
/// over HTTP on loopback as they would on several machines.
/// </summary>
internal sealed class Lab : IAsyncDisposable
{
    private const string DatabaseName = "pmemfleet";

    private readonly LabFolder _folder;
    private readonly PrivatePostgres? _postgres;
    private readonly WebApplication _api;

    private Lab(LabFolder folder, PrivatePostgres? postgres, WebApplication api, WorkerChild worker, Uri address, string key)
    {
        (_folder, _postgres, _api, Worker, Address, Key) = (folder, postgres, api, worker, address, key);
    }

    /// <summary>The Api.</summary>
    public Uri Address { get; }

    /// <summary>An admin's key.</summary>
    public string Key { get; }

    /// <summary>The worker.</summary>
    public WorkerChild Worker { get; }

    /// <summary>Starts everything; on return the Api serves requests.</summary>
    public static async Task<Lab> StartAsync(LabOptions options, CancellationToken cancellation)
    {
        var folder = LabFolder.Open(options.DataFolder);
        PrivatePostgres? postgres = null;
        WebApplication? api = null;
        try
        {
            postgres = options.ConnectionString is null ? await PrivatePostgres.StartAsync(folder.PostgresData, options.PostgresBin, options.Report, cancellation) : null;
            if (postgres is not null)
            {
                await postgres.CreateDatabaseAsync(DatabaseName, null, cancellation);
            }

            var (key, token) = Secrets(folder);
            api = BuildApi(options, options.ConnectionString ?? postgres!.ConnectionString(DatabaseName), key, token);
            await ApiHost.MigrateAsync(api, cancellation);
            await api.StartAsync(cancellation);
            await api.Services.GetRequiredService<Startup>().Done.WaitAsync(cancellation);
            var address = new Uri(api.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
            return new Lab(folder, postgres, api, WorkerChild.Start(address, token, folder.Media, options.WorkerLog), address, key);
        }
        catch
        {
            await StopAsync(null, api, postgres, folder);
            throw;
        }
    }

    /// <summary>A client of the Api with the lab's key.</summary>
    public HttpClient CreateClient() => new()
    {
        BaseAddress = Address,
        DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", Key) },
    };

    public async ValueTask DisposeAsync() => await StopAsync(Worker, _api, _postgres, _folder);

    private static async Task StopAsync(WorkerChild? worker, WebApplication? api, PrivatePostgres? postgres, LabFolder folder)
    {
        if (worker is not null)
        {
            await worker.DisposeAsync();
        }

        if (api is not null)
        {
            await api.StopAsync();
            await api.DisposeAsync();
        }

        if (postgres is not null)
        {
            await postgres.DisposeAsync();
        }

        folder.Dispose();
    }

    private static WebApplication BuildApi(LabOptions options, string connectionString, string key, string token) => ApiHost.Build([], builder =>
    {
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["PMEMFLEET:DATABASE:CONNECTIONSTRING"] = connectionString,
            ["PMEMFLEET:AUTH:BOOTSTRAPADMINKEY"] = key,
            ["PMEMFLEET:WORKERS:JOINTOKEN"] = token,
            ["PMEMFLEET:WORKERS:LEASESECONDS"] = "10",
            ["PMEMFLEET:WORKERS:FAILOVERSECONDS"] = "2",
            ["PMEMFLEET:API:URLS"] = $"http://127.0.0.1:{options.Port}",
        });
        builder.Logging.ClearProviders().AddSimpleConsole(console => console.SingleLine = true);
        builder.Logging.SetMinimumLevel(options.ApiLog).AddFilter("Microsoft.EntityFrameworkCore.Database.Command", LogLevel.None).AddFilter("Microsoft", LogLevel.Error).AddFilter("System", LogLevel.Error).AddFilter("Polly", LogLevel.Error);
        builder.Logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
    });

    /// <summary>The key and the join token of a kept folder stay the same from run to run.</summary>
    private static (string Key, string Token) Secrets(LabFolder folder)
    {
        var path = Path.Combine(folder.Root, "lab.secrets");
        if (File.Exists(path))
        {
            var lines = File.ReadAllLines(path);
            return (lines[0], lines[1]);
        }

        string[] fresh = [$"pmf_lab_{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(20))}", Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(20))];
        using var file = new StreamWriter(new FileStream(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }));
        file.WriteLine(fresh[0]);
        file.WriteLine(fresh[1]);
        return (fresh[0], fresh[1]);
    }
}
