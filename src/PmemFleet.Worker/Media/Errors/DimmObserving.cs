using PmemFleet.Contracts.Health;
using PmemFleet.Contracts.Sync;
using PmemFleet.Nvdimm.Badblocks;
using PmemFleet.Nvdimm.Health;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Worker.Media.Errors;

/// <summary>A DIMM's state in the wire's form.</summary>
internal static class DimmObserving
{
    /// <summary>Ranges of a list that an observation carries; a DIMM with more of them gives their number and bytes.</summary>
    public const int MostRanges = 1024;

    public static DimmObservation Observe(Guid hostId, DimmLayout layout, DimmErrorState state) => new()
    {
        HostId = hostId,
        DimmId = layout.DimmId,
        Epoch = 0,
        Version = state.Version,
        Poison = First(state.Poison),
        BadRanges = First(state.Known),
        PoisonRanges = state.Poison.Count,
        PoisonBytes = state.Poison.TotalBytes,
        KnownRanges = state.Known.Count,
        KnownBytes = state.Known.TotalBytes,
        DirtyShutdownCount = state.Attributes.DirtyShutdownCount,
        ScrubCount = state.Attributes.ScrubCount,
        Health = HealthOf(layout, state),
    };

    /// <summary>The SMART device behind the attributes, as the library's rules see it.</summary>
    public static SmartDevice SmartOf(DimmLayout layout, DimmErrorState state) => SmartOf(layout, state.Attributes, state.Poison);

    public static SmartDevice SmartOf(DimmLayout layout, DimmAttributes attributes, PoisonList poison)
    {
        var unitsUsed = attributes.RemappedUnits + ((poison.TotalBytes + layout.ClearErrorUnit - 1) / layout.ClearErrorUnit);
        var fresh = new SmartHealth { Spares = 100, LifeUsed = 0, ShutdownCount = (uint)attributes.DirtyShutdownCount, IsShutdownDirty = attributes.IsShutdownDirty };
        return new SmartDevice
        {
            Own = SmartWear.Apply(fresh, attributes.Thresholds, layout.Capacity, unitsUsed),
            Thresholds = attributes.Thresholds,
            InjectedMediaTemperature = attributes.MediaTemperature,
            InjectedSpares = attributes.Spares,
            IsFatalInjected = attributes.IsFatal,
            IsUnsafeShutdownInjected = attributes.IsUnsafeShutdownInjected,
        };
    }

    private static DimmHealthDto HealthOf(DimmLayout layout, DimmErrorState state)
    {
        var (attributes, device) = (state.Attributes, SmartOf(layout, state));
        var (current, thresholds) = (device.Current, device.Thresholds);
        var tripped = SmartWear.Tripped(current, thresholds);
        return new DimmHealthDto
        {
            HealthState = HealthListing.StateName(current.Conditions),
            TemperatureCelsius = current.MediaTemperature,
            ControllerTemperatureCelsius = current.ControllerTemperature,
            SparesPercentage = current.Spares,
            LifeUsedPercentage = current.LifeUsed,
            AlarmTemperature = tripped.HasFlag(SmartAlarms.MediaTemperature),
            AlarmControllerTemperature = tripped.HasFlag(SmartAlarms.ControllerTemperature),
            AlarmSpares = tripped.HasFlag(SmartAlarms.Spares),
            AlarmEnabledMediaTemperature = thresholds.Enabled.HasFlag(SmartAlarms.MediaTemperature),
            TemperatureThreshold = thresholds.MediaTemperature,
            AlarmEnabledControllerTemperature = thresholds.Enabled.HasFlag(SmartAlarms.ControllerTemperature),
            ControllerTemperatureThreshold = thresholds.ControllerTemperature,
            AlarmEnabledSpares = thresholds.Enabled.HasFlag(SmartAlarms.Spares),
            SparesThreshold = thresholds.Spares,
            ShutdownState = current.IsShutdownDirty ? "dirty" : "clean",
            ShutdownCount = attributes.DirtyShutdownCount,
            ClearedUnits = attributes.RemappedUnits,
            Firmware = new DimmFirmwareDto
            {
                CurrentVersion = attributes.Firmware,
                NextVersion = attributes.NextFirmware,
                State = attributes.IsFirmwareArmed ? "armed" : "idle",
            },
            Security = new DimmSecurityDto
            {
                State = attributes.Security.State switch
                {
                    SecurityState.Disabled => "disabled",
                    SecurityState.Unlocked => "unlocked",
                    SecurityState.Locked => "locked",
                    _ => "overwrite",
                },
                Frozen = attributes.Security.IsFrozen,
            },
            Injected =
            [
                .. attributes.MediaTemperature is null ? Array.Empty<string>() : ["media-temperature"],
                .. attributes.Spares is null ? Array.Empty<string>() : ["spares"],
                .. attributes.IsFatal ? ["fatal"] : Array.Empty<string>(),
                .. attributes.IsUnsafeShutdownInjected ? ["unsafe-shutdown"] : Array.Empty<string>(),
            ],
            ClearErrorLimit = attributes.ClearLimit,
            ClearErrorErrno = attributes.ClearErrno is { } errno ? ((Errno)errno).ToString() : null,
        };
    }

    private static DpaRange[] First(PoisonList list) => [.. list.Ranges.Take(MostRanges).Select(range => new DpaRange(range.Start, range.Length))];
}
