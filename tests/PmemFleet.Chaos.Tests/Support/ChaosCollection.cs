using Xunit.Abstractions;
using Xunit.Sdk;

[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace PmemFleet.Chaos.Tests.Support;

/// <summary>One PostgreSQL for all tests, with a migrated database to copy; the seed is printed before anything else.</summary>
public sealed class ChaosServer(IMessageSink sink) : IAsyncLifetime
{
    private const string Template = "fleet_template";
    private int _databases;

    internal ChaosPostgres Postgres { get; private set; } = null!;

    /// <summary>What a run did, for the record.</summary>
    public void Report(string line) => sink.OnMessage(new DiagnosticMessage($"chaos: {line}"));

    public async Task InitializeAsync()
    {
        Report($"{ChaosRun.SeedVariable}={ChaosRun.Seed}");
        Postgres = await ChaosPostgres.StartAsync();
        await Postgres.ExecuteAsync($"CREATE DATABASE {Template}");
        await ServiceProcess.RunAsync("PmemFleet.Api.dll", "--migrate", new Dictionary<string, string> { ["PMEMFLEET__DATABASE__CONNECTIONSTRING"] = Postgres.ConnectionString(Template) });
    }

    public async Task DisposeAsync() => await Postgres.DisposeAsync();

    /// <summary>A migrated database of a test's own.</summary>
    public async Task<string> CreateDatabaseAsync()
    {
        var name = $"fleet_{++_databases}";
        await Postgres.ExecuteAsync($"CREATE DATABASE {name} TEMPLATE {Template}");
        return name;
    }
}

[CollectionDefinition(Name)]
public sealed class ChaosSuite : ICollectionFixture<ChaosServer>
{
    public const string Name = "chaos";
}
