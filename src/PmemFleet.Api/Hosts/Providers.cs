namespace PmemFleet.Api.Hosts;

/// <summary>Bus providers.</summary>
public static class Providers
{
    public const string Nfit = "ACPI.NFIT";

    /// <summary>Legacy ranges without DIMMs.</summary>
    public const string E820 = "e820";
}
