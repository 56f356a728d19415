using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Api.Tests.Fidelity;

/// <summary>Linux's numbers and texts of the errno names that a problem carries.</summary>
internal static class ErrnoNumbers
{
    public static int Of(string name) => Enum.TryParse<Errno>(name, out var errno) ? (int)errno : 0;

    /// <summary>The words of <c>strerror</c>, as a shell prints them when a write fails.</summary>
    public static string Text(string name) => name switch
    {
        "EINVAL" => "Invalid argument",
        "EBUSY" => "Device or resource busy",
        "ENXIO" => "No such device or address",
        "ENODEV" => "No such device",
        "ENOSPC" => "No space left on device",
        _ => name,
    };
}
