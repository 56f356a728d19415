using PmemFleet.Nvdimm.Labels;

namespace PmemFleet.Api.Dimms;

/// <summary>How label versions are spelled.</summary>
public static class LabelTexts
{
    public static readonly IReadOnlyList<string> Versions = ["1.1", "1.2"];

    public static string Of(LabelVersion version) => version == LabelVersion.V11 ? "1.1" : "1.2";

    public static LabelVersion? ToVersion(string text) => text switch
    {
        "1.1" => LabelVersion.V11,
        "1.2" => LabelVersion.V12,
        _ => null,
    };
}
