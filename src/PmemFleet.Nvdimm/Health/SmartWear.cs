namespace PmemFleet.Nvdimm.Health;

/// <summary>
/// How a DIMM wears: each clear-error unit that is poisoned, or was poisoned and cleared, takes one of the spare units it was made with. The product's
/// own model (spec 60 section 10 has the fields, and no rule): a spare unit for each MiB, 64 at least.
/// </summary>
public static class SmartWear
{
    private const long BytesPerSpare = 1 << 20;
    private const long FewestSpares = 64;

    /// <summary>Spare units of a new DIMM.</summary>
    /// <param name="capacity">Its bytes.</param>
    public static long SpareUnits(long capacity) => Math.Max(FewestSpares, capacity / BytesPerSpare);

    /// <summary>The values of a DIMM of which so many units are in use.</summary>
    /// <param name="health">The values of the new DIMM.</param>
    /// <param name="thresholds">Its thresholds: spares at or below theirs are not critical yet, at half of it they are, and none left is fatal.</param>
    /// <param name="capacity">Its bytes.</param>
    /// <param name="unitsUsed">Units that took a spare.</param>
    public static SmartHealth Apply(SmartHealth health, SmartThresholds thresholds, long capacity, long unitsUsed)
    {
        ArgumentNullException.ThrowIfNull(health);
        ArgumentNullException.ThrowIfNull(thresholds);
        var spares = SpareUnits(capacity);
        var used = (int)Math.Min(100, ((100 * Math.Min(unitsUsed, spares)) + spares - 1) / spares);
        var left = (byte)(100 - used);
        return health with { Spares = left, LifeUsed = (byte)used, Conditions = health.Conditions | ConditionsOf(left, thresholds.Spares) };
    }

    /// <summary>Which of the alarms that are switched on have their value at or past the threshold.</summary>
    public static SmartAlarms Tripped(SmartHealth health, SmartThresholds thresholds)
    {
        ArgumentNullException.ThrowIfNull(health);
        ArgumentNullException.ThrowIfNull(thresholds);
        var past = (health.Spares <= thresholds.Spares ? SmartAlarms.Spares : SmartAlarms.None)
            | (health.MediaTemperature >= thresholds.MediaTemperature ? SmartAlarms.MediaTemperature : SmartAlarms.None)
            | (health.ControllerTemperature >= thresholds.ControllerTemperature ? SmartAlarms.ControllerTemperature : SmartAlarms.None);
        return past & thresholds.Enabled;
    }

    private static SmartConditions ConditionsOf(byte left, byte threshold) =>
        left == 0 ? SmartConditions.Fatal
        : left * 2 <= threshold ? SmartConditions.Critical
        : left <= threshold ? SmartConditions.NonCritical
        : SmartConditions.None;
}
