using PmemFleet.Nvdimm.Binding;

namespace PmemFleet.Api.Namespaces;

/// <summary>How personalities, classes and map locations are spelled in rows, in tasks and on the wire.</summary>
public static class BindTexts
{
    public static string Of(PersonalityKind kind) => kind switch
    {
        PersonalityKind.Btt => PersonalityRow.Btt,
        PersonalityKind.Pfn => PersonalityRow.Pfn,
        _ => PersonalityRow.Dax,
    };

    public static PersonalityKind ToKind(string text) => text switch
    {
        PersonalityRow.Btt => PersonalityKind.Btt,
        PersonalityRow.Pfn => PersonalityKind.Pfn,
        _ => PersonalityKind.Dax,
    };

    public static string? Of(MapLocation? map) => map switch
    {
        MapLocation.Ram => "mem",
        MapLocation.Pmem => "dev",
        _ => null,
    };

    public static MapLocation? ToMap(string? text) => text switch
    {
        "mem" => MapLocation.Ram,
        "dev" => MapLocation.Pmem,
        _ => null,
    };

    public static string Of(ClaimClass claimClass) => claimClass switch
    {
        ClaimClass.Btt => "btt",
        ClaimClass.Btt2 => "btt2",
        ClaimClass.Pfn => "pfn",
        ClaimClass.Dax => "dax",
        ClaimClass.Unknown => "unknown",
        _ => "none",
    };

    public static ClaimClass ToClass(string text) => text switch
    {
        "btt" => ClaimClass.Btt,
        "btt2" => ClaimClass.Btt2,
        "pfn" => ClaimClass.Pfn,
        "dax" => ClaimClass.Dax,
        "unknown" => ClaimClass.Unknown,
        _ => ClaimClass.None,
    };
}
