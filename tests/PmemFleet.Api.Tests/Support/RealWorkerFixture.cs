using PmemFleet.Lab.Hosting;

namespace PmemFleet.Api.Tests.Support;

/// <summary>An Api with the product's own worker in a process of its own.</summary>
public sealed class RealWorkerFixture : ApiFixture, IAsyncLifetime
{
    private readonly DirectoryInfo _media = Directory.CreateTempSubdirectory("pmemfleet-api-test-");
    private WorkerChild _worker = null!;

    public Uri Address => Admin.BaseAddress!;

    protected override Dictionary<string, string?> Settings => new()
    {
        ["PMEMFLEET:WORKERS:LEASESECONDS"] = "10",
        ["PMEMFLEET:WORKERS:FAILOVERSECONDS"] = "2",
    };

    public override async Task InitializeAsync()
    {
        await base.InitializeAsync();
        _worker = WorkerChild.Start(Address, JoinToken, _media.FullName, null);
    }

    async Task IAsyncLifetime.DisposeAsync()
    {
        await _worker.DisposeAsync();
        await base.DisposeAsync();
        _media.Delete(recursive: true);
    }

    /// <summary>The worker dies at once; another process of it comes soon.</summary>
    public void KillWorker() => _ = Lab.Processes.Libc.Kill(_worker.Pid, Lab.Processes.Libc.SigKill);

    /// <summary>The worker is gone for good, killed, and another one of its pool begins.</summary>
    public async Task ReplaceWorkerAsync(string name)
    {
        KillWorker();
        await _worker.DisposeAsync();
        _worker = WorkerChild.Start(Address, JoinToken, _media.FullName, null, name);
    }

    /// <summary>All files of a host in the media pool; none where its folder is gone.</summary>
    public IReadOnlyList<string> FilesOf(Guid host) => Path.Combine(_media.FullName, "hosts", host.ToString("N")) is var folder && Directory.Exists(folder)
        ? [.. Directory.EnumerateFiles(folder).Select(path => Path.GetFileName(path)!)]
        : [];

    /// <summary>A DIMM's media.</summary>
    public string MediaOf(Guid host, Guid dimm) => Path.Combine(_media.FullName, "hosts", host.ToString("N"), $"{dimm:N}.dimm");

    public IEnumerable<string> FilesOf(Guid host, string pattern) => Directory.EnumerateFiles(Path.Combine(_media.FullName, "hosts", host.ToString("N")), pattern);
}
