namespace PmemFleet.Api.Persistence;

/// <summary>Keys of the advisory locks that replicas agree on.</summary>
public static class AdvisoryLocks
{
    public const long BootstrapAdmin = 0x706d_0001;
    public const long EventNumbers = 0x706d_0002;
    public const long Placement = 0x706d_0003;
    public const long Fleet = 0x706d_0004;
    public const long MediaPools = 0x706d_0005;
}
