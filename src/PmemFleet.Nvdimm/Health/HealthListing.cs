using System.Globalization;
using System.Text.Json.Nodes;

namespace PmemFleet.Nvdimm.Health;

/// <summary>The <c>health</c> object of <c>ndctl list -H</c>: each member only where its valid bit is set (spec 60 section 10).</summary>
public static class HealthListing
{
    /// <summary>The object, or the unknown one where the command failed.</summary>
    public static JsonObject Of(SmartHealth? health, SmartThresholds thresholds)
    {
        ArgumentNullException.ThrowIfNull(thresholds);
        if (health is null)
        {
            return new JsonObject { ["health_state"] = "unknown" };
        }

        var listed = new JsonObject();
        Add(SmartFields.Health, "health_state", StateName(health.Conditions));
        Add(SmartFields.MediaTemperature, "temperature_celsius", Celsius(health.MediaTemperature));
        Add(SmartFields.ControllerTemperature, "controller_temperature_celsius", Celsius(health.ControllerTemperature));
        Add(SmartFields.Spares, "spares_percentage", (int)health.Spares);
        Add(SmartFields.Alarms, "alarm_temperature", health.Tripped.HasFlag(SmartAlarms.MediaTemperature));
        Add(SmartFields.Alarms, "alarm_controller_temperature", health.Tripped.HasFlag(SmartAlarms.ControllerTemperature));
        Add(SmartFields.Alarms, "alarm_spares", health.Tripped.HasFlag(SmartAlarms.Spares));
        AddThreshold(SmartFields.MediaTemperature, SmartAlarms.MediaTemperature, "alarm_enabled_media_temperature", "temperature_threshold", Celsius(thresholds.MediaTemperature));
        AddThreshold(SmartFields.ControllerTemperature, SmartAlarms.ControllerTemperature, "alarm_enabled_ctrl_temperature", "controller_temperature_threshold", Celsius(thresholds.ControllerTemperature));
        AddThreshold(SmartFields.Spares, SmartAlarms.Spares, "alarm_enabled_spares", "spares_threshold", (int)thresholds.Spares);
        Add(SmartFields.LifeUsed, "life_used_percentage", (int)health.LifeUsed);
        Add(SmartFields.ShutdownState, "shutdown_state", health.IsShutdownDirty ? "dirty" : "clean");
        Add(SmartFields.ShutdownCount, "shutdown_count", health.ShutdownCount);
        return listed;

        void Add(SmartFields field, string name, JsonNode value)
        {
            if (health.Valid.HasFlag(field))
            {
                listed[name] = value;
            }
        }

        void AddThreshold(SmartFields field, SmartAlarms alarm, string enabledName, string name, JsonNode value)
        {
            var enabled = thresholds.Enabled.HasFlag(alarm);
            Add(field, enabledName, enabled);
            if (enabled)
            {
                Add(field, name, value);
            }
        }
    }

    /// <summary>ndctl prints a temperature as a real number even where it is whole: <c>23.0</c>.</summary>
    private static JsonNode Celsius(double degrees) =>
        JsonNode.Parse(degrees.ToString(degrees == Math.Truncate(degrees) ? "0.0" : "R", CultureInfo.InvariantCulture))!;

    /// <summary>The name of a health state.</summary>
    public static string StateName(SmartConditions conditions) =>
        conditions.HasFlag(SmartConditions.Fatal) ? "fatal"
        : conditions.HasFlag(SmartConditions.Critical) ? "critical"
        : conditions.HasFlag(SmartConditions.NonCritical) ? "non-critical"
        : "ok";
}
