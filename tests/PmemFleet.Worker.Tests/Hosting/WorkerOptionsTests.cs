using PmemFleet.Worker.Tests.Media;

namespace PmemFleet.Worker.Tests.Hosting;

/// <summary>What a worker takes from its environment.</summary>
public sealed class WorkerOptionsTests
{
    [Fact]
    public void Read_OnlyAJoinToken_TakesTheDefaults()
    {
        var options = WorkerOptions.Read(new Dictionary<string, string> { ["PMEMFLEET__WORKER__JOINTOKEN"] = "secret-token", ["PMEMFLEET__POSTGRES__BIN"] = "/x", ["PATH"] = "/bin" });

        Assert.Equal("default", options.MediaPool);
        Assert.Equal(Environment.MachineName.ToLowerInvariant(), options.Name);
        Assert.Equal(options.Urls, options.AdvertisedUrl.ToString().TrimEnd('/'));
        Assert.DoesNotContain("secret-token", options.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("PMEMFLEET__WORKER__JOINTOKN", "x")]
    [InlineData("PMEMFLEET__WORKER__NAME_FILES", "x")]
    [InlineData("PMEMFLEET__WORKER__APIURL", "not a url")]
    [InlineData("PMEMFLEET__WORKER__APIURL", "ftp://x")]
    [InlineData("PMEMFLEET__WORKER__URLS", "http://+:8081")]
    public void Read_UnknownOrMalformed_IsRefusedByName(string key, string value)
    {
        var refused = Assert.Throws<InvalidOperationException>(() => WorkerOptions.Read(new Dictionary<string, string> { ["PMEMFLEET__WORKER__JOINTOKEN"] = "x", [key] = value }));

        Assert.Contains(key == "PMEMFLEET__WORKER__URLS" ? "ADVERTISEDURL" : key, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_NoJoinToken_IsRefused() => Assert.Throws<InvalidOperationException>(() => WorkerOptions.Read(new Dictionary<string, string>()));

    [Fact]
    public void Read_SecretInAFile_IsReadFromThere()
    {
        using var folder = new MediaFolder();
        var path = Path.Combine(folder.Path, "token");
        File.WriteAllText(path, "from-the-file\n");

        Assert.Equal("from-the-file", WorkerOptions.Read(new Dictionary<string, string> { ["PMEMFLEET__WORKER__JOINTOKEN_FILE"] = path }).JoinToken);
    }
}
