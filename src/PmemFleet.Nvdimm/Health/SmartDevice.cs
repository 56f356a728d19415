using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Health;

/// <summary>What <c>ndctl inject-smart</c> is asked for; null leaves a member as it is.</summary>
public sealed record InjectSmartOptions
{
    /// <summary>Degrees Celsius of the media.</summary>
    public double? MediaTemperature { get; init; }

    /// <summary>Takes the media temperature back.</summary>
    public bool UninjectMediaTemperature { get; init; }

    /// <summary>Degrees Celsius of the controller; nfit_test and Intel's DSM cannot inject it.</summary>
    public double? ControllerTemperature { get; init; }

    /// <summary>Percent of spares.</summary>
    public byte? Spares { get; init; }

    /// <summary>Takes the spares back.</summary>
    public bool UninjectSpares { get; init; }

    /// <summary>Fatal health.</summary>
    public bool Fatal { get; init; }

    /// <summary>Takes fatal health back.</summary>
    public bool UninjectFatal { get; init; }

    /// <summary>An unsafe shutdown.</summary>
    public bool UnsafeShutdown { get; init; }

    /// <summary>Takes the unsafe shutdown's state back, not its count.</summary>
    public bool UninjectUnsafeShutdown { get; init; }

    /// <summary>Takes everything back.</summary>
    public bool UninjectAll { get; init; }

    /// <summary>Threshold of the media temperature.</summary>
    public double? MediaTemperatureThreshold { get; init; }

    /// <summary>Threshold of the controller temperature.</summary>
    public double? ControllerTemperatureThreshold { get; init; }

    /// <summary>Threshold of the spares.</summary>
    public byte? SparesThreshold { get; init; }

    /// <summary>Switches the media temperature's alarm: <c>on</c> or <c>off</c>.</summary>
    public string? MediaTemperatureAlarm { get; init; }

    /// <summary>Switches the controller temperature's alarm: <c>on</c> or <c>off</c>.</summary>
    public string? ControllerTemperatureAlarm { get; init; }

    /// <summary>Switches the spares' alarm: <c>on</c> or <c>off</c>.</summary>
    public string? SparesAlarm { get; init; }
}

/// <summary>A DIMM's health: its own values, what is injected over them, thresholds, and the dirty-shutdown latch (spec 60 section 10). Immutable.</summary>
public sealed record SmartDevice
{
    /// <summary>The values without injections; the shutdown count is here, for it survives them.</summary>
    public SmartHealth Own { get; init; } = new();

    /// <summary>Thresholds and alarms.</summary>
    public SmartThresholds Thresholds { get; init; } = new();

    /// <summary>Injected media temperature.</summary>
    public double? InjectedMediaTemperature { get; init; }

    /// <summary>Injected spares.</summary>
    public byte? InjectedSpares { get; init; }

    /// <summary>Fatal health is injected.</summary>
    public bool IsFatalInjected { get; init; }

    /// <summary>An unsafe shutdown is injected.</summary>
    public bool IsUnsafeShutdownInjected { get; init; }

    /// <summary>The next power loss whose flush fails is counted: the latch was set in this boot.</summary>
    public bool IsShutdownLatchEnabled { get; init; } = true;

    /// <summary>The values as a reader gets them.</summary>
    public SmartHealth Current => Own with
    {
        MediaTemperature = InjectedMediaTemperature ?? Own.MediaTemperature,
        Spares = InjectedSpares ?? Own.Spares,
        Conditions = Own.Conditions | (IsFatalInjected ? SmartConditions.Fatal : SmartConditions.None),
        IsShutdownDirty = Own.IsShutdownDirty || IsUnsafeShutdownInjected,
    };

    /// <summary>Injects, or takes back. EINVAL for a value with its own uninject and for an alarm that is neither on nor off.</summary>
    public Outcome<SmartDevice> Inject(InjectSmartOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (Refuse(options) is { } refusal)
        {
            return refusal;
        }

        var unsafeShutdown = options.UnsafeShutdown || (IsUnsafeShutdownInjected && !options.UninjectUnsafeShutdown && !options.UninjectAll);
        return this with
        {
            Own = options.UnsafeShutdown ? Own with { ShutdownCount = Own.ShutdownCount + 1 } : Own,
            InjectedMediaTemperature = options.UninjectMediaTemperature || options.UninjectAll ? null : options.MediaTemperature ?? InjectedMediaTemperature,
            InjectedSpares = options.UninjectSpares || options.UninjectAll ? null : options.Spares ?? InjectedSpares,
            IsFatalInjected = options.Fatal || (IsFatalInjected && !options.UninjectFatal && !options.UninjectAll),
            IsUnsafeShutdownInjected = unsafeShutdown,
            Thresholds = Thresholds with
            {
                MediaTemperature = options.MediaTemperatureThreshold ?? Thresholds.MediaTemperature,
                ControllerTemperature = options.ControllerTemperatureThreshold ?? Thresholds.ControllerTemperature,
                Spares = options.SparesThreshold ?? Thresholds.Spares,
                Enabled = Switch(Switch(Switch(Thresholds.Enabled, SmartAlarms.MediaTemperature, options.MediaTemperatureAlarm), SmartAlarms.ControllerTemperature, options.ControllerTemperatureAlarm), SmartAlarms.Spares, options.SparesAlarm),
            },
        };
    }

    /// <summary>A power cycle: counted once where the flush on failure did not complete and the latch was set; the latch is clear afterwards.</summary>
    public SmartDevice CyclePower(bool isFlushed)
    {
        var counted = !isFlushed && IsShutdownLatchEnabled;
        return this with
        {
            Own = Own with { IsShutdownDirty = counted, ShutdownCount = Own.ShutdownCount + (counted ? 1u : 0) },
            IsUnsafeShutdownInjected = false,
            IsShutdownLatchEnabled = false,
        };
    }

    /// <summary>The platform's command that sets the latch for this boot (enable latch system shutdown status).</summary>
    public SmartDevice EnableShutdownLatch() => this with { IsShutdownLatchEnabled = true };

    private static Refusal? Refuse(InjectSmartOptions options)
    {
        if ((options.MediaTemperature is not null && options.UninjectMediaTemperature) || (options.Spares is not null && options.UninjectSpares)
            || (options.Fatal && options.UninjectFatal) || (options.UnsafeShutdown && options.UninjectUnsafeShutdown))
        {
            return new Refusal(Errno.EINVAL, "inject-and-uninject", "a value and its uninject conflict");
        }

        foreach (var (name, alarm) in ((string, string?)[])[("mediaTemperatureAlarm", options.MediaTemperatureAlarm), ("controllerTemperatureAlarm", options.ControllerTemperatureAlarm), ("sparesAlarm", options.SparesAlarm)])
        {
            if (alarm is not (null or "on" or "off"))
            {
                return new Refusal(Errno.EINVAL, "alarm-value", "an alarm is on or off").Allowing("on", "off").About(name);
            }
        }

        return options.ControllerTemperature is null
            ? null
            : new Refusal(Errno.ENXIO, "controller-temperature", "smart inject ctrl_temperature cmd invalid: No such device or address (-6)").About("controllerTemperature");
    }

    private static SmartAlarms Switch(SmartAlarms enabled, SmartAlarms alarm, string? state) => state switch
    {
        "on" => enabled | alarm,
        "off" => enabled & ~alarm,
        _ => enabled,
    };
}
