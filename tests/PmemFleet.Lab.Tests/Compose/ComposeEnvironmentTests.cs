using PmemFleet.Api.Hosting;
using PmemFleet.Worker;

namespace PmemFleet.Lab.Tests.Compose;

/// <summary>
/// Every variable of the compose file is one that the program reads: both refuse what they do not know, so each is built with the
/// environment it gets there, its secret files replaced by some that exist.
/// </summary>
public sealed class ComposeEnvironmentTests : IDisposable
{
    private const string Prefix = "PMEMFLEET__";

    private readonly string _folder = Directory.CreateTempSubdirectory("pmemfleet-test-").FullName;

    public static TheoryData<string> Workers => ["worker-1", "worker-2"];

    public static TheoryData<string> Apis => ["api", "migrate"];

    [Theory]
    [MemberData(nameof(Apis))]
    public async Task Environment_OfTheApi_IsUnderstood(string service)
    {
        await using var app = BuildApi(Environment(service));

        Assert.Equal("postgres", app.Configuration["PMEMFLEET:DATABASE:HOST"]);
        Assert.Equal(Secret, app.Configuration["PMEMFLEET:DATABASE:PASSWORD"]);
    }

    [Fact]
    public void Environment_WithATypingError_IsRefusedByTheApi()
    {
        var environment = Environment("api");
        environment["PMEMFLEET__DATABASE__HOSTT"] = "postgres";

        var refusal = Assert.Throws<InvalidOperationException>(() => BuildApi(environment));

        Assert.Contains("PMEMFLEET__DATABASE__HOSTT", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Workers))]
    public async Task Environment_OfAWorker_IsUnderstood(string service)
    {
        await using var app = WorkerHost.Build([], Environment(service));

        Assert.NotNull(app);
    }

    [Fact]
    public void Environment_WithATypingError_IsRefusedByTheWorker()
    {
        var environment = Environment("worker-1");
        environment["PMEMFLEET__WORKER__NAMES"] = "w";

        var refusal = Assert.Throws<InvalidOperationException>(() => WorkerHost.Build([], environment));

        Assert.Contains("PMEMFLEET__WORKER__NAMES", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Workers))]
    public void Pool_OfAWorker_IsTheOneThatHostsGetWhenNoneIsNamed(string service) =>
        Assert.Equal("default", ComposeFile.Environment(service)["PMEMFLEET__WORKER__MEDIAPOOL"]);

    [Fact]
    public void Workers_OfOnePool_DifferInNameAndAddressOnly()
    {
        var first = ComposeFile.Environment("worker-1");
        var second = ComposeFile.Environment("worker-2");

        Assert.Equal(first.Keys.Order(StringComparer.Ordinal), second.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(
            ["PMEMFLEET__WORKER__ADVERTISEDURL", "PMEMFLEET__WORKER__NAME"],
            first.Keys.Where(key => first[key] != second[key]).Order(StringComparer.Ordinal));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static string Secret => "pmf_0123456789abcdef0123456789abcdef";

    private static Microsoft.AspNetCore.Builder.WebApplication BuildApi(Dictionary<string, string> environment) => ApiHost.Build(
        [],
        builder => Microsoft.Extensions.Configuration.MemoryConfigurationBuilderExtensions.AddInMemoryCollection(
            builder.Configuration,
            environment.Select(variable => KeyValuePair.Create(variable.Key.Replace("__", ":", StringComparison.Ordinal), (string?)variable.Value))));

    private Dictionary<string, string> Environment(string service)
    {
        var secret = Path.Combine(_folder, "secret");
        File.WriteAllText(secret, Secret + "\n");
        return ComposeFile.Environment(service)
            .Where(variable => variable.Key.StartsWith(Prefix, StringComparison.Ordinal))
            .ToDictionary(
                variable => variable.Key,
                variable => variable.Key.EndsWith("_FILE", StringComparison.Ordinal) ? secret
                    : variable.Key.EndsWith("__DATADIRECTORY", StringComparison.Ordinal) ? Path.Combine(_folder, "media")
                    : variable.Value,
                StringComparer.Ordinal);
    }
}
