using System.Net;
using Microsoft.Extensions.DependencyInjection;
using PmemFleet.Api.Tests.Support;

namespace PmemFleet.Api.Tests.Hosting;

public sealed class HostingTests
{
    [Fact]
    public void Build_UnknownKey_IsRefusedWithTheKnownOnes()
    {
        var failure = Assert.Throws<InvalidOperationException>(() => ApiFixture.Build("Host=x", new() { ["PMEMFLEET:WORKERS:LEASESECOND"] = "3" }));
        Assert.Contains("PMEMFLEET__WORKERS__LEASESECOND.", failure.Message, StringComparison.Ordinal);
        Assert.Contains("PMEMFLEET__WORKERS__LEASESECONDS", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("PMEMFLEET:WORKER:NAME")]
    [InlineData("PMEMFLEET:POSTGRES:BIN")]
    public async Task Build_KeyOfAnotherProgram_IsLetThrough(string key)
    {
        await using var app = ApiFixture.Build("Host=x", new() { [key] = "x" });
        Assert.NotNull(app);
    }

    [Fact]
    public async Task Build_SecretFromFile_IsRead()
    {
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, "join-token-from-a-file\n");
        await using var app = ApiFixture.Build("Host=x", new() { ["PMEMFLEET:WORKERS:JOINTOKEN_FILE"] = file });
        Assert.True(app.Services.GetRequiredService<Api.Access.WorkerCredentials>().IsJoinToken("join-token-from-a-file"));
        File.Delete(file);
    }

    [Theory]
    [InlineData("PMEMFLEET:AUTH:BOOTSTRAPADMINKEY", "pmf_short")]
    [InlineData("PMEMFLEET:WORKERS:LEASESECONDS", "0")]
    [InlineData("PMEMFLEET:WORKERS:JOINTOKEN", "short")]
    public async Task Start_BadValue_IsRefused(string key, string value)
    {
        await using var app = ApiFixture.Build("Host=127.0.0.1;Port=1", new() { [key] = value });
        await Assert.ThrowsAsync<Microsoft.Extensions.Options.OptionsValidationException>(() => app.StartAsync());
    }

    [Fact]
    public async Task Start_DatabaseComesLate_IsLiveFirstAndReadyThen()
    {
        var postgres = await TestPostgres.GetAsync();
        var name = $"late_{Environment.ProcessId}";
        var api = new LateApi(postgres.ConnectionString(name));
        await api.StartAsync();
        Assert.Equal(HttpStatusCode.OK, (await api.Http.GetAsync("/livez")).StatusCode);
        Assert.Equal("not-ready", (await (await api.Http.GetAsync("/readyz")).ReadProblemAsync()).Code);
        api.Http.DefaultRequestHeaders.Authorization = new("Bearer", ApiFixture.AdminKey);
        var problem = await (await api.Http.GetAsync("/v1/operations")).ReadProblemAsync();
        Assert.Equal((503, "database-unavailable"), (problem.Status, problem.Code));

        var template = new ApiFixture();
        await template.InitializeAsync();
        var source = new Npgsql.NpgsqlConnectionStringBuilder(template.ConnectionString).Database;
        await template.DisposeAsync();
        Npgsql.NpgsqlConnection.ClearAllPools();
        await postgres.ExecuteAsync($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{source}'");
        await postgres.ExecuteAsync($"CREATE DATABASE {name} TEMPLATE {source}");
        await Eventually.Async(async () => (await api.Http.GetAsync("/readyz")).IsSuccessStatusCode, TimeSpan.FromSeconds(15));
        Assert.Equal(HttpStatusCode.OK, (await api.Http.GetAsync("/v1/operations")).StatusCode);
        await api.StopAsync();
    }

    private sealed class LateApi(string connectionString)
    {
        private readonly Microsoft.AspNetCore.Builder.WebApplication _app = ApiFixture.Build(connectionString, []);

        public HttpClient Http { get; } = new();

        public async Task StartAsync()
        {
            await _app.StartAsync();
            Http.BaseAddress = new Uri(_app.Urls.Single());
        }

        public async Task StopAsync()
        {
            await _app.StopAsync();
            await _app.DisposeAsync();
        }
    }
}
