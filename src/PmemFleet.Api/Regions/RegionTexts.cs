using PmemFleet.Nvdimm.Model;

namespace PmemFleet.Api.Regions;

/// <summary>How a region's values are spelled in rows and on the wire.</summary>
public static class RegionTexts
{
    public const string Nfit = "nfit";
    public const string Legacy = "legacy";
    public const string Unknown = "unknown";

    public static readonly IReadOnlyList<string> Domains = ["memory_controller", "cpu_cache", Unknown];

    public static string Of(RegionKind kind) => kind == RegionKind.Legacy ? Legacy : Nfit;

    public static string Of(PersistenceDomain domain) => domain switch
    {
        PersistenceDomain.CpuCache => "cpu_cache",
        PersistenceDomain.MemoryController => "memory_controller",
        _ => Unknown,
    };

    public static PersistenceDomain ToDomain(string text) => text switch
    {
        "cpu_cache" => PersistenceDomain.CpuCache,
        "memory_controller" => PersistenceDomain.MemoryController,
        _ => PersistenceDomain.Unknown,
    };
}
