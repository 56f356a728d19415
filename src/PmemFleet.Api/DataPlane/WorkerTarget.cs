namespace PmemFleet.Api.DataPlane;

/// <summary>Where the worker of a host is reached, and under which epoch it holds the host.</summary>
public sealed record WorkerTarget
{
    public required Guid HostId { get; init; }

    public required string HostName { get; init; }

    public required long Epoch { get; init; }

    public required string WorkerName { get; init; }

    public required Uri AdvertisedUrl { get; init; }

    /// <summary>The bearer that the worker accepts.</summary>
    public required string Credential { get; init; }

    /// <summary>The data plane of this host.</summary>
    public Uri UriOf(string path) => new(AdvertisedUrl, $"/v1/hosts/{HostId:D}/{path}");
}
