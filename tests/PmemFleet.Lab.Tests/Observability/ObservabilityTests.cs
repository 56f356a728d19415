using System.Text.Json;
using System.Text.RegularExpressions;
using PmemFleet.Lab.Tests.Compose;
using PmemFleet.Lab.Tests.Repository;
using YamlDotNet.RepresentationModel;

namespace PmemFleet.Lab.Tests.Observability;

/// <summary>A panel or an alarm over a metric that does not exist is quiet for ever: each name is held against the programs' instruments.</summary>
public sealed partial class ObservabilityTests
{
    private const string Dashboard = "deploy/obs/grafana/dashboards/pmemfleet.json";
    private const string Alerts = "deploy/obs/alerts.yaml";

    [Theory]
    [InlineData(Dashboard)]
    [InlineData(Alerts)]
    public async Task Metric_NamedInAFile_IsOneOfTheProduct(string file)
    {
        var series = await MetricNames.SeriesAsync();
        var named = Series().Matches(string.Join('\n', Expressions(file))).Select(match => match.Value).ToHashSet();

        Assert.NotEmpty(named);
        Assert.Empty(named.Except(series));
    }

    [Fact]
    public async Task Metric_OfTheProduct_IsOnTheDashboard()
    {
        var named = Series().Matches(string.Join('\n', Expressions(Dashboard))).Select(match => match.Value).ToHashSet();

        Assert.Empty((await MetricNames.InstrumentsAsync()).Where(instrument => !MetricNames.SeriesOf(instrument).Any(named.Contains)).Select(instrument => instrument.Name).Distinct());
    }

    [Fact]
    public async Task Metric_OfTheProduct_HasABaseUnitAndADescription()
    {
        Assert.All(await MetricNames.InstrumentsAsync(), instrument =>
        {
            Assert.StartsWith("pmemfleet_", instrument.Name, StringComparison.Ordinal);
            Assert.False(string.IsNullOrEmpty(instrument.Description), instrument.Name);
            Assert.Equal(instrument.Name.EndsWith("_seconds", StringComparison.Ordinal) ? "s" : null, instrument.Unit);
        });
    }

    [Fact]
    public void Alert_Each_IsExplainedInTheOperationsManual()
    {
        var manual = Checkout.Text("docs/operations.md");
        var alerts = Rules().Select(rule => ComposeFile.Scalar(rule, "alert")!).ToList();

        Assert.All(alerts, alert => Assert.Contains($"| `{alert}` |", manual, StringComparison.Ordinal));
        Assert.Empty(AlertName().Matches(manual).Select(match => match.Value).Distinct().Except(alerts));
    }

    [Fact]
    public void Scrape_OfEachJob_AsksServicesOfTheComposeFile()
    {
        var jobs = ((YamlSequenceNode)ComposeFile.Find(Yaml("deploy/obs/prometheus.yaml"), "scrape_configs")!).Cast<YamlMappingNode>().ToList();
        var targets = jobs.SelectMany(job => ((YamlSequenceNode)ComposeFile.Find(job, "static_configs")!).Cast<YamlMappingNode>()).SelectMany(config => ComposeFile.List(config, "targets")).ToList();

        Assert.Equal(["api:8080", "worker-1:8081", "worker-2:8081"], targets);
        Assert.Subset(ComposeFile.Services.Keys.ToHashSet(), targets.Select(target => target.Split(':')[0]).ToHashSet());
        Assert.All(jobs, job => Assert.Contains($"job=\"{ComposeFile.Scalar(job, "job_name")}\"", Checkout.Text(Alerts), StringComparison.Ordinal));
        var credentials = ComposeFile.Scalar((YamlMappingNode)ComposeFile.Find(jobs[0], "authorization")!, "credentials_file");
        Assert.Equal(ComposeFile.Environment("api")["PMEMFLEET__AUTH__METRICSKEY_FILE"], credentials);
    }

    [Fact]
    public void File_MountedByAService_Exists() => Assert.All(
        ComposeFile.Services.Values.SelectMany(service => ComposeFile.List(service, "volumes")).Select(volume => volume.Split(':')[0]).Where(source => source.StartsWith("./", StringComparison.Ordinal)),
        source => Assert.True(Path.Exists(Path.Combine(Checkout.Root, source)), source));

    [Theory]
    [InlineData("otel-collector")]
    [InlineData("jaeger")]
    [InlineData("prometheus")]
    [InlineData("grafana")]
    public void Service_OfTheProfile_IsNotStartedWithoutIt(string service) => Assert.Equal(["obs"], ComposeFile.List(ComposeFile.Services[service], "profiles"));

    private static IEnumerable<string> Expressions(string file)
    {
        if (file == Alerts)
        {
            return Rules().Select(rule => ComposeFile.Scalar(rule, "expr")!);
        }

        using var json = JsonDocument.Parse(Checkout.Text(file));
        return [.. json.RootElement.GetProperty("panels").EnumerateArray().Where(panel => panel.TryGetProperty("targets", out _))
            .SelectMany(panel => panel.GetProperty("targets").EnumerateArray()).Select(target => target.GetProperty("expr").GetString()!)];
    }

    private static IEnumerable<YamlMappingNode> Rules() => ((YamlSequenceNode)ComposeFile.Find(Yaml(Alerts), "groups")!).Cast<YamlMappingNode>()
        .SelectMany(group => ((YamlSequenceNode)ComposeFile.Find(group, "rules")!).Cast<YamlMappingNode>());

    private static YamlMappingNode Yaml(string file)
    {
        using var text = new StringReader(Checkout.Text(file));
        var yaml = new YamlStream();
        yaml.Load(text);
        return (YamlMappingNode)yaml.Documents[0].RootNode;
    }

    [GeneratedRegex("pmemfleet_[a-z_]+")]
    private static partial Regex Series();

    [GeneratedRegex("PmemFleet[A-Z][A-Za-z]+(?=` \\|)")]
    private static partial Regex AlertName();
}
