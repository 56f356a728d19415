using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.RegularExpressions;
using PmemFleet.Chaos.Tests.Support;

namespace PmemFleet.Chaos.Tests.Operation;

[Collection(ChaosSuite.Name)]
public sealed partial class TelemetryTests(ChaosServer server)
{
    private const string Host = "observed";
    private const string MetricsKey = "pmm_chaos_0123456789abcdef0123456789abcdef";

    /// <summary>Of the product's own series, and of those that the libraries add.</summary>
    private static readonly HashSet<string> Labels =
    [
        "kind", "state", "outcome", "reason", "le", "otel_scope_name", "otel_scope_version",
    ];

    [Fact]
    public async Task Request_ThatAWorkerDoes_IsOneTraceUpToTheReport()
    {
        await using var receiver = await TraceReceiver.StartAsync();
        await using var fleet = await ChaosFleet.StartAsync(server, new FleetShape
        {
            Replicas = 1,
            Workers = 1,
            LeaseSeconds = 30,
            Variables = new Dictionary<string, string>
            {
                ["OTEL_EXPORTER_OTLP_ENDPOINT"] = receiver.Url.ToString(),
                ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
                ["OTEL_BSP_SCHEDULE_DELAY"] = "200",
            },
        });
        await fleet.CreateHostAsync(Host, dimms: 1);

        var trace = await CreateNamespaceAsync(fleet);

        var spans = await UntilAsync(
            () => Task.FromResult(receiver.Spans.Where(span => span.TraceId == trace).ToList()),
            found => found.Any(span => span.Name.StartsWith("POST ", StringComparison.Ordinal)) && found.Any(span => span.Name.StartsWith("task ", StringComparison.Ordinal))
                && found.Any(span => span.Name.StartsWith("report ", StringComparison.Ordinal)));
        var request = Assert.Single(spans, span => span.Name.StartsWith("POST v1/hosts", StringComparison.Ordinal) && span.Service == "pmemfleet-api");
        var task = Assert.Single(spans, span => span.Service == "pmemfleet-worker");
        var report = Assert.Single(spans, span => span.Name.StartsWith("report ", StringComparison.Ordinal));
        Assert.Equal("task create-namespace", task.Name);
        Assert.Equal(("pmemfleet-api", "report create-namespace"), (report.Service, report.Name));
        Assert.Equal(request.SpanId, task.ParentId);
        Assert.Equal(request.SpanId, report.ParentId);

        // the sync that brought the result serves many requests: it has a trace of its own, which the report names
        var sync = Assert.Single(report.LinkedTraces);
        Assert.NotEqual(trace, sync);
        await UntilAsync(() => Task.FromResult(receiver.Spans.Where(span => span.TraceId == sync).ToList()), found => found.Any(span => span.Name.EndsWith("/sync", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Metrics_OfAFleet_NameNothingOfIt()
    {
        await using var fleet = await ChaosFleet.StartAsync(server, new FleetShape
        {
            Replicas = 1,
            Variables = new Dictionary<string, string> { ["PMEMFLEET__AUTH__METRICSKEY"] = MetricsKey },
        });
        await fleet.CreateHostAsync(Host, dimms: 1);
        await CreateNamespaceAsync(fleet);
        using var scraper = fleet.NewClient(MetricsKey, fleet.ReplicaUrls[0]);

        var api = await UntilAsync(() => scraper.GetStringAsync("/metrics"), text => text.Contains("pmemfleet_hosts_unassigned", StringComparison.Ordinal) && text.Contains("pmemfleet_worker_sync_duration", StringComparison.Ordinal));
        using var open = fleet.NewClient(null);
        var workers = await Task.WhenAll(fleet.WorkerUrls.Select(url => open.GetStringAsync(new Uri(url, "/metrics"))));

        Assert.Contains("pmemfleet_workers{", api, StringComparison.Ordinal);
        Assert.Contains(workers, text => text.Contains("pmemfleet_worker_tasks_total{", StringComparison.Ordinal));
        foreach (var line in workers.Append(api).SelectMany(text => text.Split('\n')).Where(line => line.Length > 0 && line[0] != '#' && !line.StartsWith("target_info", StringComparison.Ordinal)))
        {
            Assert.DoesNotContain(Host, line, StringComparison.Ordinal);
            Assert.DoesNotContain("worker-", line, StringComparison.Ordinal);
            Assert.All(fleet.WorkerUrls, url => Assert.DoesNotContain($"\"{url.Port.ToString(CultureInfo.InvariantCulture)}\"", Ours(line, api), StringComparison.Ordinal));
            if (line.StartsWith("pmemfleet_", StringComparison.Ordinal))
            {
                Assert.Subset(Labels, Label().Matches(line).Select(match => match.Groups[1].Value).ToHashSet());
            }
        }

        Assert.Equal(HttpStatusCode.Forbidden, (await scraper.GetAsync("/v1/hosts")).StatusCode);
        using var nobody = fleet.NewClient(null, fleet.ReplicaUrls[0]);
        Assert.Equal(HttpStatusCode.Unauthorized, (await nobody.GetAsync("/metrics")).StatusCode);
    }

    /// <summary>A server's own port is one value; the Api's lines must not name those of the workers.</summary>
    private static string Ours(string line, string api) => api.Contains(line, StringComparison.Ordinal) ? line : string.Empty;

    private static async Task<string> CreateNamespaceAsync(ChaosFleet fleet)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/v1/hosts/{Host}/namespaces") { Content = JsonContent.Create(new { mode = "fsdax", size = "32M" }) };
        request.Headers.Add("Prefer", "wait=60");
        using var answer = await fleet.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        return answer.Headers.GetValues("Trace-Id").Single();
    }

    private static async Task<T> UntilAsync<T>(Func<Task<T>> read, Func<T, bool> isThere)
    {
        for (var attempt = 0; ; attempt++)
        {
            var value = await read();
            if (isThere(value))
            {
                return value;
            }

            Assert.True(attempt < 600, $"it does not come: {(value is System.Collections.IEnumerable many and not string ? string.Join('\n', many.Cast<object>()) : value)}");
            await Task.Delay(100);
        }
    }

    [GeneratedRegex("[{,]([a-z_]+)=\"")]
    private static partial Regex Label();
}
