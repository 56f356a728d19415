using System.Globalization;
using System.Text.Json.Nodes;

namespace PmemFleet.Nvdimm.Listing;

/// <summary>How a DIMM's last firmware activation ended, as the kernel's <c>firmware_activate_result</c> tells it.</summary>
public enum FirmwareActivationResult
{
    /// <summary>There was none.</summary>
    None,

    /// <summary>It succeeded.</summary>
    Success,

    /// <summary>No version waited.</summary>
    NotStaged,

    /// <summary>Only a reset of the platform activates it.</summary>
    NeedReset,

    /// <summary>It failed.</summary>
    Fail,

    /// <summary>The DIMM says something else.</summary>
    Unknown,
}

/// <summary>A DIMM's firmware as <c>ndctl list -F</c> shows it (spec 20 section 10).</summary>
/// <param name="CurrentVersion">The version that runs.</param>
/// <param name="NextVersion">The version that waits, or null.</param>
/// <param name="IsArmed">The version that waits is armed.</param>
/// <param name="Result">How the last activation ended.</param>
public sealed record FirmwareListing(
    ulong CurrentVersion, ulong? NextVersion = null, bool IsArmed = false, FirmwareActivationResult Result = FirmwareActivationResult.None)
{
    /// <summary>What ndctl prints where a version cannot be told.</summary>
    public const ulong UnknownVersion = ulong.MaxValue;

    private const int BuildBits = 16;
    private const int GroupBits = 8;
    private const int MostGroups = 5;

    /// <summary>
    /// A dotted version as the DIMM's number: binary-coded decimal, the last group in 16 bits and each before it in 8, as Intel's DIMMs do
    /// (<c>1.2.0.5446</c> is 0x102005446); <see cref="UnknownVersion"/> where it has another form.
    /// </summary>
    public static ulong Number(string version)
    {
        ArgumentNullException.ThrowIfNull(version);
        var groups = version.Split('.');
        if (groups.Length > MostGroups)
        {
            return UnknownVersion;
        }

        var number = 0UL;
        for (var i = 0; i < groups.Length; i++)
        {
            var bits = i == groups.Length - 1 ? BuildBits : GroupBits;
            if (groups[i].AsSpan().ContainsAnyExceptInRange('0', '9')
                || !ulong.TryParse(groups[i], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var group) || group >> bits != 0)
            {
                return UnknownVersion;
            }

            number = (number << bits) | group;
        }

        return number;
    }

    internal JsonObject Print(bool human)
    {
        var listed = new JsonObject { ["current_version"] = ListNumbers.Hex(CurrentVersion, human), ["can_update"] = true };
        if (NextVersion is { } next)
        {
            listed["next_version"] = ListNumbers.Hex(next, human);
            listed["activate_state"] = IsArmed ? "armed" : "idle";
            if (Result is FirmwareActivationResult.NeedReset or FirmwareActivationResult.Fail or FirmwareActivationResult.Unknown)
            {
                listed["need_powercycle"] = true;
            }
        }

        return listed;
    }

    /// <summary>The bus's <c>firmware</c>: activation needs quiet namespaces, which is the method that ndctl calls suspend.</summary>
    internal static JsonObject OfBus(IEnumerable<FirmwareListing> dimms) =>
        new() { ["activate_method"] = "suspend", ["activate_state"] = dimms.Any(dimm => dimm.IsArmed) ? "armed" : "idle" };
}
