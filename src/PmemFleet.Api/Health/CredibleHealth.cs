using PmemFleet.Contracts.Health;

namespace PmemFleet.Api.Health;

/// <summary>Whether a DIMM can be in the health that a worker says: its states are known ones, and its figures fit the SMART page that shows them.</summary>
public static class CredibleHealth
{
    private const int LongestText = 256;
    private const int MostInjected = 64;

    /// <summary>Degrees, in sixteenths, are a 16-bit number.</summary>
    private const double MostDegrees = 4096;

    public static bool Is(DimmHealthDto health) =>
        health is
        {
            HealthState: "ok" or "non-critical" or "critical" or "fatal",
            ShutdownState: "clean" or "dirty",
            ShutdownCount: >= 0 and <= uint.MaxValue,
            ClearedUnits: >= 0,
            SparesPercentage: >= 0 and <= byte.MaxValue,
            LifeUsedPercentage: >= 0 and <= byte.MaxValue,
            SparesThreshold: >= 0 and <= byte.MaxValue,
            Firmware: { CurrentVersion: { Length: <= LongestText }, NextVersion: null or { Length: <= LongestText }, State: "idle" or "armed" },
            Security.State: "disabled" or "unlocked" or "locked" or "overwrite",
            Injected.Count: <= MostInjected,
            ClearErrorErrno: null or { Length: <= LongestText },
        }
        && IsTemperature(health.TemperatureCelsius) && IsTemperature(health.ControllerTemperatureCelsius)
        && IsTemperature(health.TemperatureThreshold) && IsTemperature(health.ControllerTemperatureThreshold)
        && health.Injected.All(one => one is { Length: <= LongestText });

    private static bool IsTemperature(double degrees) => Math.Abs(degrees) <= MostDegrees;
}
