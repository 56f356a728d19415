using PmemFleet.Nvdimm.Binding;

namespace PmemFleet.Nvdimm.Model;

/// <summary>What a namespace is used as (spec 20 section 7).</summary>
public enum NamespaceMode
{
    /// <summary>A block device without sector atomicity or page mapping.</summary>
    Raw,

    /// <summary>BTT.</summary>
    Sector,

    /// <summary>PFN, or native memory.</summary>
    Fsdax,

    /// <summary>DAX.</summary>
    Devdax,
}

/// <summary>The modes' names, as ndctl and the kernel call them.</summary>
public static class NamespaceModes
{
    /// <summary>Reads ndctl's name or the old one: <c>memory</c>, <c>dax</c>, <c>safe</c>.</summary>
    public static NamespaceMode? Parse(string text) => text switch
    {
        "raw" => NamespaceMode.Raw,
        "sector" or "safe" => NamespaceMode.Sector,
        "fsdax" or "memory" => NamespaceMode.Fsdax,
        "devdax" or "dax" => NamespaceMode.Devdax,
        _ => null,
    };

    /// <summary>ndctl's name.</summary>
    public static string Text(NamespaceMode mode) => mode switch
    {
        NamespaceMode.Sector => "sector",
        NamespaceMode.Fsdax => "fsdax",
        NamespaceMode.Devdax => "devdax",
        _ => "raw",
    };

    /// <summary>The kernel's name, as sysfs's <c>mode</c> shows it.</summary>
    public static string SysfsText(NamespaceMode mode) => mode switch
    {
        NamespaceMode.Sector => "safe",
        NamespaceMode.Fsdax => "memory",
        NamespaceMode.Devdax => "dax",
        _ => "raw",
    };

    /// <summary>A namespace's mode now.</summary>
    public static NamespaceMode Of(PmemNamespace device) => device.Claim?.Kind switch
    {
        PersonalityKind.Btt => NamespaceMode.Sector,
        PersonalityKind.Pfn => NamespaceMode.Fsdax,
        PersonalityKind.Dax => NamespaceMode.Devdax,
        _ => device.IsNativeMemory ? NamespaceMode.Fsdax : NamespaceMode.Raw,
    };

    internal static PersonalityKind? Personality(NamespaceMode mode) => mode switch
    {
        NamespaceMode.Sector => PersonalityKind.Btt,
        NamespaceMode.Fsdax => PersonalityKind.Pfn,
        NamespaceMode.Devdax => PersonalityKind.Dax,
        _ => null,
    };
}
