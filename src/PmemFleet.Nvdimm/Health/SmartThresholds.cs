namespace PmemFleet.Nvdimm.Health;

/// <summary>When a DIMM raises an alarm: what function 2 of the Intel DSM returns (spec 60 section 10).</summary>
public sealed record SmartThresholds
{
    /// <summary>Which alarms are switched on.</summary>
    public SmartAlarms Enabled { get; init; } = SmartAlarms.Spares | SmartAlarms.MediaTemperature;

    /// <summary>Percent of spares.</summary>
    public byte Spares { get; init; } = 5;

    /// <summary>Degrees Celsius of the media.</summary>
    public double MediaTemperature { get; init; } = 40;

    /// <summary>Degrees Celsius of the controller.</summary>
    public double ControllerTemperature { get; init; } = 30;

    /// <summary>
    /// A health event is due: an alarm that is switched on has its value at or past the threshold, the health is not normal, or the
    /// last shutdown was dirty.
    /// </summary>
    public bool IsEventDue(SmartHealth health)
    {
        ArgumentNullException.ThrowIfNull(health);
        return (Enabled.HasFlag(SmartAlarms.Spares) && health.Spares <= Spares)
            || (Enabled.HasFlag(SmartAlarms.MediaTemperature) && health.MediaTemperature >= MediaTemperature)
            || (Enabled.HasFlag(SmartAlarms.ControllerTemperature) && health.ControllerTemperature >= ControllerTemperature)
            || health.Conditions != SmartConditions.None
            || health.IsShutdownDirty;
    }
}
