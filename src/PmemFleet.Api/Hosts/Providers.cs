namespace PmemFleet.Api.Hosts;

/// <summary>Bus providers.</summary>
public static class Providers
{
    public const string Nfit = "ACPI.NFIT";

    /// <summary>Legacy ranges without DIMMs.</summary>
    public const string E820 = "e820";

    /// <summary>Where the provider's device stands in sysfs, as <c>daxctl list</c> prints the begin of a dax region's path.</summary>
    public static string DevicePath(string provider) => provider == E820 ? "/platform/e820_pmem" : "/LNXSYSTM:00/LNXSYBUS:00/ACPI0012:00";
}
