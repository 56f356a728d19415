using PmemFleet.Lab.Hosting;
using PmemFleet.Lab.Scenarios;
using PmemFleet.Lab.Tests.Repository;

namespace PmemFleet.Lab.Tests.Scenarios;

/// <summary>What other people's CI runs: the files as they are shipped, over the whole product, and a verdict that is the exit code.</summary>
public sealed class ScenarioTests(ScenarioTests.OneLab lab) : IClassFixture<ScenarioTests.OneLab>, IDisposable
{
    private const string Host = """
        name: one
        fleet:
          hosts: [{name: one, dimms: [{capacity: 64M}], regions: [{ways: 1}]}]

        """;

    private readonly List<string> _files = [];

    /// <summary>The shipped files.</summary>
    public static TheoryData<string> Shipped => [.. Directory.EnumerateFiles(Path.Combine(Checkout.Root, "deploy/scenarios"), "*.yaml").Select(path => Path.GetFileName(path)).Order()];

    public void Dispose() => _files.ForEach(File.Delete);

    [Theory]
    [MemberData(nameof(Shipped))]
    public async Task File_ThatIsShipped_Passes(string file)
    {
        var verdict = await RunAsync(Path.Combine(Checkout.Root, "deploy/scenarios", file));
        Assert.DoesNotContain(verdict.Checks, check => !check.Passed);
        Assert.True(verdict.Passed);

        // more than "the fleet is applied"
        Assert.InRange(verdict.Checks.Count, 4, 100);
    }

    [Fact]
    public async Task Command_OfSeveralFiles_ExitsWithTheirVerdict()
    {
        var right = Write(Host + """
            assertions:
              - {get: /v1/hosts/one, at: /name, equals: one}
            """);
        var wrong = Write(Host + """
            assertions:
              - {name: not so, get: /v1/hosts/one, at: /name, equals: two}
              - {name: so, get: /v1/hosts/one, at: /name, equals: one}
            """);
        Assert.Equal(0, await CommandAsync(right));
        Assert.Equal(1, await CommandAsync(wrong));
        Assert.Equal(1, await CommandAsync(wrong, right));
        var verdict = await RunAsync(wrong);
        Assert.Equal([("not so", false), ("so", true)], verdict.Checks.TakeLast(2).Select(check => (check.What, check.Passed)));
    }

    [Fact]
    public async Task Step_ThatFails_EndsTheScenario()
    {
        var verdict = await RunAsync(Write(Host + """
            steps:
              - {name: refused, request: POST /v1/hosts/one/namespaces, body: {mode: devdax, size: 8G}}
              - {name: never done, request: DELETE /v1/hosts/one}
            assertions:
              - {name: never asked, get: /v1/hosts/one, at: /name, equals: one}
            """));
        Assert.False(verdict.Passed);
        Assert.Equal(("refused", false), (verdict.Checks[^1].What, verdict.Checks[^1].Passed));
        Assert.Contains("ENOSPC", verdict.Checks[^1].Detail, StringComparison.Ordinal);
        using var http = lab.Lab.CreateClient();
        Assert.True((await http.GetAsync(new Uri("/v1/hosts/one", UriKind.Relative))).IsSuccessStatusCode);
    }

    /// <summary>Nothing of any file is done where one of them has a mistake.</summary>
    [Theory]
    [InlineData("name: wrong\nassertion: []\n")]
    [InlineData("name: [\n")]
    [InlineData("")]
    public async Task Command_WithAFileThatIsNone_DoesNothing(string text)
    {
        var right = Write(Host.Replace("name: one,", "name: untouched,", StringComparison.Ordinal));
        Assert.Equal(1, await CommandAsync(right, Write(text)));
        using var http = lab.Lab.CreateClient();
        Assert.Equal(System.Net.HttpStatusCode.NotFound, (await http.GetAsync(new Uri("/v1/hosts/untouched", UriKind.Relative))).StatusCode);
    }

    private async Task<ScenarioVerdict> RunAsync(string path)
    {
        using var http = lab.Lab.CreateClient();
        http.Timeout = TimeSpan.FromMinutes(5);
        return await new ScenarioRun(Scenario.Read(path), http, TimeProvider.System, _ => { }).RunAsync(CancellationToken.None);
    }

    private Task<int> CommandAsync(params string[] files) =>
        LabCommand.RunAsync(["scenario", .. files, "--api", lab.Lab.Address.ToString(), "--key", lab.Lab.Key]);

    private string Write(string text)
    {
        var path = Path.Combine(Path.GetTempPath(), $"pmemfleet-scenario-{Guid.NewGuid():N}.yaml");
        File.WriteAllText(path, text);
        _files.Add(path);
        return path;
    }

    /// <summary>The whole product, started once.</summary>
    public sealed class OneLab : IAsyncLifetime
    {
        internal Hosting.Lab Lab { get; private set; } = null!;

        public async Task InitializeAsync() => Lab = await Hosting.Lab.StartAsync(new LabOptions { ConnectionString = null }, CancellationToken.None);

        public async Task DisposeAsync() => await Lab.DisposeAsync();
    }
}
