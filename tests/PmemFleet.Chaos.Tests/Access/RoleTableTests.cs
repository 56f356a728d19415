using System.Net.Http.Headers;
using System.Reflection;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.Routing;
using PmemFleet.Api.Hosting;
using PmemFleet.Chaos.Tests.Support;

namespace PmemFleet.Chaos.Tests.Access;

[Collection(ChaosSuite.Name)]
public sealed partial class RoleTableTests(ChaosServer server)
{
    private static readonly string[] Outside = ["/livez", "/readyz", "/metrics", "/openapi/v1.json", "/swagger/index.html"];

    [Fact]
    public void Table_HoldsEveryEndpointOfTheDocumentAndOfTheCode_AndNoOther()
    {
        var document = JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "openapi", "pmemfleet.v1.json")))!;
        var described = from path in document["paths"]!.AsObject()
                        from method in path.Value!.AsObject()
                        where method.Key is "get" or "put" or "post" or "delete" or "patch" or "head" or "options"
                        select $"{method.Key.ToUpperInvariant()} {path.Key}";
        var table = EndpointRoles.All.Where(row => !Outside.Contains(row.Path)).Select(row => $"{row.Method} {row.Path}").Order(StringComparer.Ordinal).ToList();

        Assert.Equal(table.Distinct(), table);
        Assert.Empty(described.Except(table));
        Assert.Equal(OfTheCode().Order(StringComparer.Ordinal), table);
    }

    [Fact]
    public async Task Endpoint_EachByEachCaller_LetsInExactlyWhoTheTableSays()
    {
        await using var fleet = await ChaosFleet.StartAsync(server, new FleetShape
        {
            Workers = 0,
            Variables = new Dictionary<string, string> { ["PMEMFLEET__AUTH__METRICSKEY"] = Credentials.MetricsKey },
        });
        var callers = await Credentials.MakeAsync(fleet);
        var wrong = new List<string>();
        var asked = 0;
        foreach (var url in fleet.ReplicaUrls)
        {
            using var http = fleet.NewClient(null, url);
            // the other replica has not made the keys: it has to know of the revoked and the expired one all the same
            foreach (var endpoint in url == fleet.ReplicaUrls[0] ? EndpointRoles.All : EndpointRoles.All.Where(row => row.Path.StartsWith("/v1/workers", StringComparison.Ordinal)))
            {
                foreach (var (caller, header) in callers)
                {
                    foreach (var worker in endpoint.Needs == Needs.Worker ? new[] { Credentials.WorkerName, "worker-0" } : ["worker-0"])
                    {
                        var expected = Credentials.Refusal(caller, endpoint, worker == Credentials.WorkerName);
                        var status = await AskAsync(http, endpoint, worker, header);
                        asked++;
                        // what scrapes has nothing wrong in its request: let in is 200
                        if (expected is null ? status is 401 or 403 or 500 || (endpoint.Needs == Needs.Metrics && status != 200) : status != expected)
                        {
                            wrong.Add($"{endpoint.Method} {endpoint.Path} ({worker}) by {caller}: {status}, expected {expected?.ToString() ?? "to be let in"}");
                        }
                    }
                }
            }
        }

        server.Report($"roles: {asked} requests, {EndpointRoles.All.Count} endpoints, {callers.Count} callers, 2 replicas");
        Assert.Empty(wrong);
    }

    private static async Task<int> AskAsync(HttpClient http, EndpointRole endpoint, string worker, string? authorization)
    {
        var path = endpoint.Path.Replace("{worker}", worker, StringComparison.Ordinal).Replace("{id}", Guid.Empty.ToString(), StringComparison.Ordinal)
            .Replace("{pid}", "1", StringComparison.Ordinal).Replace("{mapping}", "1", StringComparison.Ordinal);
        // a worker names a host by its id
        path = path.StartsWith("/v1/workers", StringComparison.Ordinal) ? path.Replace("{host}", Guid.Empty.ToString(), StringComparison.Ordinal) : path;
        path = Parameter().Replace(path, "absent-0");
        using var request = new HttpRequestMessage(new HttpMethod(endpoint.Method), path);
        if (authorization is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
        }

        if (endpoint.Method is not "GET")
        {
            request.Headers.TryAddWithoutValidation("If-Match", "*");
            var isBytes = path.EndsWith("/image", StringComparison.Ordinal) || path.EndsWith("/label-area", StringComparison.Ordinal) || path.EndsWith("/data", StringComparison.Ordinal);
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes("{}")) { Headers = { ContentType = new MediaTypeHeaderValue(isBytes ? "application/octet-stream" : "application/json") } };
        }

        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        return (int)response.StatusCode;
    }

    /// <summary>Also the endpoints that the document does not show.</summary>
    private static IEnumerable<string> OfTheCode() =>
        from controller in typeof(ApiHost).Assembly.GetTypes()
        where controller.IsSubclassOf(typeof(ControllerBase)) && !controller.IsAbstract
        let prefix = controller.GetCustomAttribute<RouteAttribute>()?.Template
        from action in controller.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
        from route in action.GetCustomAttributes<HttpMethodAttribute>()
        from method in route.HttpMethods
        select $"{method} {Constraint().Replace(Join(prefix, route.Template), "}")}";

    [GeneratedRegex(":[a-z]+}")]
    private static partial Regex Constraint();

    [GeneratedRegex("{[a-z]+}")]
    private static partial Regex Parameter();

    private static string Join(string? prefix, string? template) =>
        template is ['/', ..] ? template : "/" + string.Join('/', new[] { prefix, template }.Where(part => !string.IsNullOrEmpty(part)));
}
