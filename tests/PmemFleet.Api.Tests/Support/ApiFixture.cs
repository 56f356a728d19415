using System.Net.Http.Headers;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using PmemFleet.Api.Hosting;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Access;

namespace PmemFleet.Api.Tests.Support;

/// <summary>An Api on Kestrel over loopback, with a database of its own.</summary>
public class ApiFixture : IAsyncLifetime
{
    public const string AdminKey = "pmf_test_0123456789abcdef0123456789abcdef";
    public const string JoinToken = "join-token-for-tests-only";
    private static readonly Lazy<Task<string>> Template = new(CreateTemplateAsync);
    private readonly List<WebApplication> _replicas = [];

    public WebApplication App => _replicas[0];

    public HttpClient Admin { get; private set; } = null!;

    public string ConnectionString { get; private set; } = null!;

    protected virtual Dictionary<string, string?> Settings => [];

    protected virtual void Configure(WebApplicationBuilder builder)
    {
    }

    public virtual async Task InitializeAsync()
    {
        var postgres = await TestPostgres.GetAsync();
        ConnectionString = postgres.ConnectionString(await postgres.CreateDatabaseAsync(await Template.Value));
        await StartReplicaAsync();
        Admin = Client(AdminKey);
    }

    public async Task DisposeAsync()
    {
        foreach (var replica in _replicas)
        {
            await replica.StopAsync();
            await replica.DisposeAsync();
        }
    }

    /// <summary>One more Api over the same database.</summary>
    public async Task<WebApplication> StartReplicaAsync()
    {
        var app = Build(ConnectionString, Settings, Configure);
        _replicas.Add(app);
        await app.StartAsync();
        await app.Services.GetRequiredService<Startup>().Done;
        return app;
    }

    public static WebApplication Build(string connectionString, Dictionary<string, string?> settings, Action<WebApplicationBuilder>? more = null) => ApiHost.Build([], builder =>
    {
        builder.Configuration.Sources.Clear();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["PMEMFLEET:DATABASE:CONNECTIONSTRING"] = connectionString,
            ["PMEMFLEET:AUTH:BOOTSTRAPADMINKEY"] = AdminKey,
            ["PMEMFLEET:WORKERS:JOINTOKEN"] = JoinToken,
            ["PMEMFLEET:API:URLS"] = "http://127.0.0.1:0",
        });
        builder.Configuration.AddInMemoryCollection(settings);
        builder.Logging.ClearProviders();
        more?.Invoke(builder);
    });

    public HttpClient Client(string? bearer, WebApplication? replica = null)
    {
        var address = (replica ?? App).Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        var client = new HttpClient { BaseAddress = new Uri(address) };
        if (bearer is not null)
        {
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
        }

        return client;
    }

    public async Task<string> CreateKeyAsync(string role)
    {
        var response = await Admin.PostAsJsonAsync("/v1/api-keys", new { name = $"a {role}", role });
        response.EnsureSuccessStatusCode();
        return (await response.ReadAsync<ApiKeyDto>()).Key!;
    }

    /// <summary>Writes as the Api's own features do.</summary>
    public Task<T> WriteAsync<T>(Func<FleetDbContext, Task<T>> body, WebApplication? replica = null) =>
        (replica ?? App).Services.GetRequiredService<FleetTransactions>().RunAsync((db, _) => body(db), CancellationToken.None);

    public async Task<NpgsqlConnection> ConnectAsync()
    {
        var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync();
        return connection;
    }

    /// <summary>A statement past the Api; its values are $1, $2 and so on.</summary>
    /// <returns>How many rows it changed.</returns>
    public async Task<int> ExecuteAsync(string statement, params object[] values)
    {
        await using var connection = await ConnectAsync();
        return await ExecuteAsync(connection, statement, values);
    }

    /// <summary>The same, on a connection whose settings and prepared statements count.</summary>
    public static async Task<int> ExecuteAsync(NpgsqlConnection connection, string statement, params object[] values)
    {
#pragma warning disable CA2100 // constants of the tests
        await using var command = new NpgsqlCommand(statement, connection);
#pragma warning restore CA2100
        command.Parameters.AddRange(values.Select(value => new NpgsqlParameter { Value = value }).ToArray());
        return await command.ExecuteNonQueryAsync();
    }

    private static async Task<string> CreateTemplateAsync()
    {
        var postgres = await TestPostgres.GetAsync();
        var name = await postgres.CreateDatabaseAsync(null);
        await using var app = Build($"{postgres.ConnectionString(name)};Pooling=false", []);
        await using (var db = await app.Services.GetRequiredService<IDbContextFactory<FleetDbContext>>().CreateDbContextAsync())
        {
            if (db.Database.GetMigrations().Any())
            {
                await ApiHost.MigrateAsync(app);
            }
            else
            {
                // before the first migration is made
                await db.Database.EnsureCreatedAsync();
            }
        }

        return name;
    }
}

/// <summary>Reads answers as the clients do.</summary>
public static class Answers
{
    public static async Task<T> ReadAsync<T>(this HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync();
        return (T)(System.Text.Json.JsonSerializer.Deserialize(text, typeof(T), FleetJsonContext.Default) ?? throw new InvalidOperationException(text));
    }

    public static async Task<Contracts.Problems.ProblemDto> ReadProblemAsync(this HttpResponseMessage response)
    {
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        var problem = await response.ReadAsync<Contracts.Problems.ProblemDto>();
        Assert.Equal((int)response.StatusCode, problem.Status);
        Assert.False(string.IsNullOrEmpty(problem.TraceId));
        Assert.Equal($"urn:pmemfleet:problem:{problem.Code}", problem.Type);
        return problem;
    }
}
