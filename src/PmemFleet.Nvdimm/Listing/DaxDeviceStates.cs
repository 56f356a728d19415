using PmemFleet.Nvdimm.Model;

namespace PmemFleet.Nvdimm.Listing;

/// <summary>What the dax bus says of a device beyond its namespace; a device without one is enabled in devdax mode.</summary>
/// <param name="IsEnabled">It has a driver.</param>
/// <param name="IsSystemRam">Mode system-ram.</param>
/// <param name="OnlineBlocks">Memory blocks online.</param>
/// <param name="TotalBlocks">Memory blocks it has.</param>
/// <param name="RamStart">First byte of its blocks.</param>
/// <param name="RamSize">Bytes of its blocks.</param>
public sealed record DaxDeviceState(bool IsEnabled, bool IsSystemRam, int OnlineBlocks, int TotalBlocks, long RamStart, long RamSize);

/// <summary>The states of a host's dax devices, by name.</summary>
public sealed record DaxDeviceStates(IReadOnlyDictionary<string, DaxDeviceState> ByName)
{
    /// <summary>All are enabled in devdax mode.</summary>
    public static DaxDeviceStates None { get; } = new(new Dictionary<string, DaxDeviceState>());

    internal DaxDeviceState? Of(PmemNamespace device) => ByName.GetValueOrDefault(DaxctlList.CharDevice(device));
}
