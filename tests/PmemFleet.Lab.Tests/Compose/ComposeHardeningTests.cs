using System.Text.RegularExpressions;
using PmemFleet.Lab.Tests.Repository;
using YamlDotNet.RepresentationModel;

namespace PmemFleet.Lab.Tests.Compose;

/// <summary>The container lab is closed by default: nothing writable, nothing reachable from outside, no password in a file that is committed.</summary>
public sealed partial class ComposeHardeningTests
{
    private static readonly string[] OneShot = ["make-secrets", "migrate"];

    /// <summary>Images of one program, in which no health check can run.</summary>
    private static readonly string[] WithoutShell = ["otel-collector", "jaeger"];

    public static TheoryData<string> Services => [.. ComposeFile.Services.Keys];

    public static TheoryData<string> Ours => [.. ComposeFile.Services.Where(service => ComposeFile.Find(service.Value, "build") is not null).Select(service => service.Key)];

    [Theory]
    [MemberData(nameof(Services))]
    public void Service_Each_HasAReadOnlyRootAndDropsItsPrivileges(string service)
    {
        var node = ComposeFile.Services[service];

        Assert.Equal("true", ComposeFile.Scalar(node, "read_only"));
        Assert.Equal(["ALL"], ComposeFile.List(node, "cap_drop"));
        Assert.Equal(["no-new-privileges:true"], ComposeFile.List(node, "security_opt"));
        Assert.Null(ComposeFile.Find(node, "privileged"));
    }

    [Theory]
    [MemberData(nameof(Services))]
    public void Port_Published_IsOnTheLoopbackAddress(string service) =>
        Assert.All(ComposeFile.List(ComposeFile.Services[service], "ports"), port => Assert.StartsWith("127.0.0.1:", port, StringComparison.Ordinal));

    [Theory]
    [MemberData(nameof(Services))]
    public void Environment_OfEachService_NamesSecretsAsFilesOnly(string service) =>
        Assert.All(
            ComposeFile.Environment(service).Where(variable => Secret().IsMatch(variable.Key)),
            variable =>
            {
                Assert.EndsWith("_FILE", variable.Key, StringComparison.Ordinal);
                Assert.Contains(ComposeFile.List(ComposeFile.Services[service], "volumes"), volume => IsMountedFrom(volume, variable.Value));
            });

    [Theory]
    [MemberData(nameof(Services))]
    public void Service_ThatStays_HasAHealthCheckAndIsStartedAgain(string service)
    {
        var node = ComposeFile.Services[service];
        var stays = !OneShot.Contains(service);

        Assert.Equal(stays && !WithoutShell.Contains(service), ComposeFile.Find(node, "healthcheck") is not null);
        Assert.Equal(stays, ComposeFile.Scalar(node, "restart") == "unless-stopped");
    }

    [Theory]
    [MemberData(nameof(Services))]
    public void DependsOn_EachService_WaitsForWhatItNeeds(string service)
    {
        if (ComposeFile.Find(ComposeFile.Services[service], "depends_on") is YamlMappingNode dependencies)
        {
            Assert.All(ComposeFile.Pairs(dependencies), dependency => Assert.Equal(
                OneShot.Contains(dependency.Key) ? "service_completed_successfully" : "service_healthy",
                ComposeFile.Scalar((YamlMappingNode)dependency.Value, "condition")));
        }
        else
        {
            Assert.Contains(service, (string[])["make-secrets", .. WithoutShell]);
        }
    }

    [Theory]
    [MemberData(nameof(Ours))]
    public void Image_OfOurs_RunsUnderAnUnprivilegedAccountAndHasAHealthCheck(string service)
    {
        var node = ComposeFile.Services[service];
        var lines = Checkout.Text(ComposeFile.Scalar((YamlMappingNode)ComposeFile.Find(node, "build")!, "dockerfile")!).Split('\n');

        Assert.Null(ComposeFile.Find(node, "user"));
        Assert.Equal("USER $APP_UID", lines.Last(line => line.StartsWith("USER ", StringComparison.Ordinal)));
        Assert.Contains(lines, line => line.StartsWith("HEALTHCHECK ", StringComparison.Ordinal));
    }

    private static bool IsMountedFrom(string volume, string file)
    {
        var parts = volume.Split(':');
        return parts is [_, var folder, "ro"] && file.StartsWith(folder + "/", StringComparison.Ordinal);
    }

    [GeneratedRegex("PASSWORD|TOKEN|KEY|SECRET|CONNECTIONSTRING")]
    private static partial Regex Secret();
}
