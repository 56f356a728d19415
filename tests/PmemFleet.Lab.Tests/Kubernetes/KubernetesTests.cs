using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using PmemFleet.Api.Hosting;
using PmemFleet.Lab.Tests.Repository;
using PmemFleet.Worker;
using YamlDotNet.RepresentationModel;

namespace PmemFleet.Lab.Tests.Kubernetes;

/// <summary>What a cluster would find out too late: each name in deploy/k8s is one that exists, in the manifests or in the programs.</summary>
public sealed partial class KubernetesTests : IDisposable
{
    private const string Secret = "pmf_0123456789abcdef0123456789abcdef";

    private readonly string _folder = Directory.CreateTempSubdirectory("pmemfleet-test-").FullName;

    public static TheoryData<string> Files => [.. Manifests.Files()];

    public static TheoryData<string, string> Workloads => new()
    {
        { "Deployment", "pmemfleet-api" },
        { "Job", "pmemfleet-migrate" },
        { "StatefulSet", "pmemfleet-worker" },
    };

    public static TheoryData<string, string> Servers => new() { { "Deployment", "pmemfleet-api" }, { "StatefulSet", "pmemfleet-worker" } };

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Files))]
    public void File_Each_IsNamedByItsKustomization(string file)
    {
        Assert.NotEmpty(Manifests.Documents(file));
        var folder = Path.GetDirectoryName(file)!;
        var kustomization = Mapping(Path.Combine(folder, "kustomization.yaml"));
        var named = Manifests.List(kustomization, "resources").Select(item => ((YamlScalarNode)item).Value!)
            .Concat(Manifests.List(kustomization, "patches").Select(item => Manifests.Text((YamlMappingNode)item, "path")!)).ToList();

        Assert.True(Path.GetFileName(file) == "kustomization.yaml" || named.Contains(Path.GetFileName(file)), $"{file} is in no kustomization");
        Assert.All(named, name => Assert.True(Path.Exists(Path.Combine(Checkout.Root, Manifests.Folder, folder, name)), $"{folder}/{name} is missing"));
        Assert.All(
            Manifests.List(kustomization, "patches").SelectMany(item => Manifests.Objects(Path.Combine(folder, Manifests.Text((YamlMappingNode)item, "path")!))),
            patch => Manifests.One(patch.Kind, patch.Name));
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Variable_AnywhereInAFile_IsOneThatAProgramReads(string file)
    {
        var known = FleetConfiguration.Known.Keys.Select(key => $"{FleetConfiguration.Section}__{key.Replace(":", "__", StringComparison.Ordinal)}")
            .Concat(WorkerHost.Variables.Keys).SelectMany(name => new[] { name, name + "_FILE" }).ToHashSet(StringComparer.Ordinal);

        Assert.All(VariableName().Matches(Checkout.Text(Path.Combine(Manifests.Folder, file))), name => Assert.Contains(name.Value, known));
    }

    [Theory]
    [InlineData("Deployment", "pmemfleet-api")]
    [InlineData("Job", "pmemfleet-migrate")]
    public async Task Environment_OfTheApi_IsUnderstood(string kind, string name)
    {
        await using var app = Build(Manifests.One(kind, name));

        Assert.Equal(Secret, app.Configuration["PMEMFLEET:DATABASE:PASSWORD"]);
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task Probe_Each_AsksAPathThatIsServedAtThePortThatIsListenedTo(string kind, string name)
    {
        var workload = Manifests.One(kind, name);
        await using var app = Build(workload);
        var routes = ((IEndpointRouteBuilder)app).DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>().Select(route => route.RoutePattern.RawText).ToHashSet();
        var port = Manifests.Pairs(Manifests.List(workload.Container, "ports").Single());
        var urls = Manifests.Environment(workload).Single(variable => variable.Key.EndsWith("__URLS", StringComparison.Ordinal)).Value;

        Assert.EndsWith(":" + port["containerPort"], urls, StringComparison.Ordinal);
        Assert.Contains($"EXPOSE {port["containerPort"]}", Checkout.Text(kind == "Deployment" ? "deploy/Api.Dockerfile" : "deploy/Worker.Dockerfile"), StringComparison.Ordinal);
        foreach (var (probe, path) in new[] { ("startupProbe", "/livez"), ("livenessProbe", "/livez"), ("readinessProbe", "/readyz") })
        {
            var get = Manifests.Pairs(Manifests.Child((YamlMappingNode)Manifests.Child(workload.Container, probe)!, "httpGet"));
            Assert.Equal((path, port["name"]), (get["path"], get["port"]));
            Assert.Contains(get["path"], routes);
        }
    }

    [Theory]
    [MemberData(nameof(Workloads))]
    public void Pod_Each_IsRestricted(string kind, string name)
    {
        var workload = Manifests.One(kind, name);
        var pod = Manifests.Pairs(Manifests.Child(workload.Pod, "securityContext"));
        var container = (YamlMappingNode)Manifests.Child(workload.Container, "securityContext")!;

        Assert.Equal("true", pod["runAsNonRoot"]);
        Assert.Equal("false", Manifests.Text(workload.Pod, "automountServiceAccountToken"));
        Assert.Equal(("false", "true"), (Manifests.Text(container, "allowPrivilegeEscalation"), Manifests.Text(container, "readOnlyRootFilesystem")));
        Assert.Equal("ALL", ((YamlScalarNode)Manifests.List((YamlMappingNode)Manifests.Child(container, "capabilities")!, "drop").Single()).Value);
        var resources = (YamlMappingNode)Manifests.Child(workload.Container, "resources")!;
        Assert.True(Manifests.Pairs(Manifests.Child(resources, "limits")).ContainsKey("memory"));
    }

    [Theory]
    [MemberData(nameof(Workloads))]
    public void Secret_Each_IsAFileOfAMountedVolume(string kind, string name)
    {
        var workload = Manifests.One(kind, name);
        var volumes = Manifests.List(workload.Pod, "volumes").Cast<YamlMappingNode>().ToDictionary(volume => Manifests.Text(volume, "name")!);
        var mounts = Manifests.List(workload.Container, "volumeMounts").Select(Manifests.Pairs).ToList();

        Assert.All(mounts, mount => Assert.Contains(mount["name"], volumes.Keys));
        Assert.All(
            Manifests.Environment(workload).Where(variable => SecretName().IsMatch(variable.Key)),
            variable =>
            {
                Assert.EndsWith("_FILE", variable.Key, StringComparison.Ordinal);
                var mount = mounts.Single(mount => variable.Value.StartsWith(mount["mountPath"] + "/", StringComparison.Ordinal));
                var secret = (YamlMappingNode)Manifests.Child(volumes[mount["name"]], "secret")!;
                Assert.Contains(Manifests.List(secret, "items"), item => $"{mount["mountPath"]}/{Manifests.Pairs(item)["path"]}" == variable.Value);
            });
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public void Selector_OfEachObject_FindsThePodsOfItsWorkload(string kind, string name)
    {
        var workload = Manifests.One(kind, name);
        var labels = Manifests.Pairs(workload.At("spec", "template", "metadata", "labels"));
        var service = Manifests.One("Service", name);
        var budget = Manifests.One("PodDisruptionBudget", name);
        var policy = Manifests.One("NetworkPolicy", name);

        Assert.Subset(labels.ToHashSet(), Manifests.Pairs(workload.At("spec", "selector", "matchLabels")).ToHashSet());
        Assert.Subset(labels.ToHashSet(), NotEmpty(service.At("spec", "selector")));
        Assert.Subset(labels.ToHashSet(), NotEmpty(budget.At("spec", "selector", "matchLabels")));
        Assert.Subset(labels.ToHashSet(), NotEmpty(policy.At("spec", "podSelector", "matchLabels")));
        var port = Manifests.Pairs(Manifests.List(workload.Container, "ports").Single());
        var offered = Manifests.Pairs(Manifests.List((YamlMappingNode)service.At("spec")!, "ports").Single());
        Assert.Equal((port["name"], port["containerPort"]), (offered["targetPort"], offered["port"]));
    }

    [Fact]
    public void Budget_OfTheApi_LeavesOneOfItsReplicas() =>
        Assert.True(Number(Scalar(Manifests.One("Deployment", "pmemfleet-api").At("spec", "replicas"))) > Number(Scalar(Manifests.One("PodDisruptionBudget", "pmemfleet-api").At("spec", "minAvailable"))));

    [Fact]
    public void Address_OfEachProgram_IsAServiceOfTheManifests()
    {
        var worker = Manifests.Environment(Manifests.One("StatefulSet", "pmemfleet-worker"));
        var service = Scalar(Manifests.One("StatefulSet", "pmemfleet-worker").At("spec", "serviceName"));

        Assert.Equal("http://pmemfleet-api:8080", worker["PMEMFLEET__WORKER__APIURL"]);
        Assert.Equal($"http://pmemfleet-worker-0.{service}:8081", worker["PMEMFLEET__WORKER__ADVERTISEDURL"]);
        Assert.Equal("None", Scalar(Manifests.One("Service", service).At("spec", "clusterIP")));
        var database = Manifests.Environment(Manifests.One("Deployment", "pmemfleet-api"))["PMEMFLEET__DATABASE__HOST"];
        Assert.Equal(database, Manifests.Objects("overlays/example/postgres.yaml").Single(manifest => manifest.Kind == "Cluster").Name + "-rw");
    }

    [Fact]
    public void GracePeriod_OfTheApi_IsLongerThanItsDrainAndShutdown()
    {
        var api = Manifests.One("Deployment", "pmemfleet-api");
        var drain = Number(Manifests.Environment(api)["PMEMFLEET__API__DRAINSECONDS"]);
        var readiness = Manifests.Pairs(Manifests.Child(api.Container, "readinessProbe"));

        Assert.True(drain > Number(readiness["periodSeconds"]) * Number(readiness["failureThreshold"]));
        Assert.True(Number(Manifests.Text(api.Pod, "terminationGracePeriodSeconds")!) >= new Microsoft.Extensions.Hosting.HostOptions().ShutdownTimeout.TotalSeconds + drain);
    }

    private static YamlMappingNode Mapping(string file) => (YamlMappingNode)Manifests.Documents(file).Single().RootNode;

    private static int Number(string text) => int.Parse(text, System.Globalization.CultureInfo.InvariantCulture);

    private static string Scalar(YamlNode? node) => ((YamlScalarNode)node!).Value!;

    private static HashSet<KeyValuePair<string, string>> NotEmpty(YamlNode? node)
    {
        var pairs = Manifests.Pairs(node).ToHashSet();
        Assert.NotEmpty(pairs);
        return pairs;
    }

    private WebApplication Build(Manifest workload)
    {
        var secret = Path.Combine(_folder, "secret");
        File.WriteAllText(secret, Secret + "\n");
        var environment = Manifests.Environment(workload).ToDictionary(
            variable => variable.Key,
            variable => variable.Key.EndsWith("_FILE", StringComparison.Ordinal) ? secret
                : variable.Key.EndsWith("__DATADIRECTORY", StringComparison.Ordinal) ? Path.Combine(_folder, "media")
                : variable.Value,
            StringComparer.Ordinal);
        return workload.Kind == "StatefulSet" ? WorkerHost.Build([], environment) : ApiHost.Build(
            [],
            builder => Microsoft.Extensions.Configuration.MemoryConfigurationBuilderExtensions.AddInMemoryCollection(
                builder.Configuration,
                environment.Select(variable => KeyValuePair.Create(variable.Key.Replace("__", ":", StringComparison.Ordinal), (string?)variable.Value))));
    }

    [GeneratedRegex("PMEMFLEET__[A-Z_]+")]
    private static partial Regex VariableName();

    [GeneratedRegex("PASSWORD|TOKEN|KEY|SECRET|CONNECTIONSTRING")]
    private static partial Regex SecretName();
}
