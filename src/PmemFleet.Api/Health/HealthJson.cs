using System.Text.Json;
using System.Text.Json.Nodes;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Health;
using PmemFleet.Nvdimm.Health;

namespace PmemFleet.Api.Health;

/// <summary>A DIMM's health in its row, and as ndctl lists it.</summary>
public static class HealthJson
{
    public static DimmHealthDto? Read(string? text) => text is null ? null : JsonSerializer.Deserialize(text, FleetJsonContext.Default.DimmHealthDto);

    public static string? Write(DimmHealthDto? health) => health is null ? null : JsonSerializer.Serialize(health, FleetJsonContext.Default.DimmHealthDto);

    /// <summary>The <c>health</c> member of <c>ndctl list -DH</c>; of a DIMM that no worker has reported yet: unknown.</summary>
    public static JsonObject ToNdctl(DimmHealthDto? health)
    {
        if (health is null)
        {
            return HealthListing.Of(null, new SmartThresholds());
        }

        var tripped = (health.AlarmTemperature ? SmartAlarms.MediaTemperature : 0) | (health.AlarmControllerTemperature ? SmartAlarms.ControllerTemperature : 0)
            | (health.AlarmSpares ? SmartAlarms.Spares : 0);
        var enabled = (health.AlarmEnabledMediaTemperature ? SmartAlarms.MediaTemperature : 0)
            | (health.AlarmEnabledControllerTemperature ? SmartAlarms.ControllerTemperature : 0) | (health.AlarmEnabledSpares ? SmartAlarms.Spares : 0);
        return HealthListing.Of(
            new SmartHealth
            {
                Conditions = health.HealthState switch
                {
                    "fatal" => SmartConditions.Fatal,
                    "critical" => SmartConditions.Critical,
                    "non-critical" => SmartConditions.NonCritical,
                    _ => SmartConditions.None,
                },
                Spares = (byte)health.SparesPercentage,
                LifeUsed = (byte)health.LifeUsedPercentage,
                MediaTemperature = health.TemperatureCelsius,
                ControllerTemperature = health.ControllerTemperatureCelsius,
                ShutdownCount = (uint)health.ShutdownCount,
                IsShutdownDirty = health.ShutdownState == "dirty",
                Tripped = tripped,
            },
            new SmartThresholds
            {
                Enabled = enabled,
                Spares = (byte)health.SparesThreshold,
                MediaTemperature = health.TemperatureThreshold,
                ControllerTemperature = health.ControllerTemperatureThreshold,
            });
    }
}
