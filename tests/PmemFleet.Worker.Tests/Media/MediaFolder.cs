namespace PmemFleet.Worker.Tests.Media;

/// <summary>A data directory of a test's own.</summary>
internal sealed class MediaFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("pmemfleet-worker-test-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
