using System.Text.Json.Nodes;

namespace PmemFleet.Contracts.Health;

/// <summary>A DIMM's health, firmware and security.</summary>
public sealed record DimmHealthDto
{
    /// <summary><c>ok</c>, <c>non-critical</c>, <c>critical</c> or <c>fatal</c>.</summary>
    public required string HealthState { get; init; }

    /// <summary>Degrees Celsius of the media, in sixteenths.</summary>
    public required double TemperatureCelsius { get; init; }

    /// <summary>Degrees Celsius of the controller.</summary>
    public required double ControllerTemperatureCelsius { get; init; }

    /// <summary>Percent of spare units left: each unit in error, or cleared, took one.</summary>
    public required int SparesPercentage { get; init; }

    /// <summary>Percent of life used.</summary>
    public required int LifeUsedPercentage { get; init; }

    /// <summary>The media temperature's alarm has tripped.</summary>
    public required bool AlarmTemperature { get; init; }

    /// <summary>The controller temperature's alarm has tripped.</summary>
    public required bool AlarmControllerTemperature { get; init; }

    /// <summary>The spares' alarm has tripped.</summary>
    public required bool AlarmSpares { get; init; }

    /// <summary>The media temperature's alarm is switched on.</summary>
    public required bool AlarmEnabledMediaTemperature { get; init; }

    /// <summary>Degrees Celsius at which it trips.</summary>
    public required double TemperatureThreshold { get; init; }

    /// <summary>The controller temperature's alarm is switched on.</summary>
    public required bool AlarmEnabledControllerTemperature { get; init; }

    /// <summary>Degrees Celsius at which it trips.</summary>
    public required double ControllerTemperatureThreshold { get; init; }

    /// <summary>The spares' alarm is switched on.</summary>
    public required bool AlarmEnabledSpares { get; init; }

    /// <summary>Percent at which it trips.</summary>
    public required int SparesThreshold { get; init; }

    /// <summary><c>clean</c> or <c>dirty</c>.</summary>
    public required string ShutdownState { get; init; }

    /// <summary>Unsafe shutdowns counted: it goes up when the host is lost or its power is cut.</summary>
    public required long ShutdownCount { get; init; }

    /// <summary>Clear-error units that were cleared in all.</summary>
    public required long ClearedUnits { get; init; }

    /// <summary>Firmware.</summary>
    public required DimmFirmwareDto Firmware { get; init; }

    /// <summary>Security.</summary>
    public required DimmSecurityDto Security { get; init; }

    /// <summary>Which values are injected, such as <c>spares</c>.</summary>
    public IReadOnlyList<string> Injected { get; set; } = [];

    /// <summary>The most bytes a clear-error command clears; absent: all.</summary>
    public long? ClearErrorLimit { get; set; }

    /// <summary>What clear-error commands fail with, such as <c>ENXIO</c>.</summary>
    public string? ClearErrorErrno { get; set; }
}

/// <summary>A DIMM's firmware.</summary>
public sealed record DimmFirmwareDto
{
    /// <summary>The version that runs.</summary>
    public required string CurrentVersion { get; init; }

    /// <summary>The version that waits.</summary>
    public string? NextVersion { get; set; }

    /// <summary><c>idle</c>, or <c>armed</c>: the next power cycle brings it.</summary>
    public required string State { get; init; }
}

/// <summary>A DIMM's security.</summary>
public sealed record DimmSecurityDto
{
    /// <summary><c>disabled</c>, <c>unlocked</c>, <c>locked</c> or <c>overwrite</c>.</summary>
    public required string State { get; init; }

    /// <summary>No change until the next power cycle.</summary>
    public required bool Frozen { get; init; }
}

/// <summary>A DIMM's health with its place, and as ndctl lists it.</summary>
public sealed record DimmHealthPageDto
{
    /// <summary>The host's name.</summary>
    public required string Host { get; init; }

    /// <summary>The DIMM.</summary>
    public required string Dimm { get; init; }

    /// <summary>The values.</summary>
    public required DimmHealthDto Health { get; init; }

    /// <summary>The <c>health</c> member of <c>ndctl list -DH</c>.</summary>
    public required JsonObject Ndctl { get; init; }
}

/// <summary>What <c>ndctl inject-smart</c> takes; absent members leave things as they are.</summary>
public sealed record InjectSmartRequest
{
    /// <summary>Degrees Celsius of the media.</summary>
    /// <example>90</example>
    public double? MediaTemperature { get; init; }

    /// <summary>Takes the media temperature back.</summary>
    public bool MediaTemperatureUninject { get; init; }

    /// <summary>Degrees Celsius of the controller: refused as the DSM does (ENXIO).</summary>
    public double? ControllerTemperature { get; init; }

    /// <summary>Percent of spares.</summary>
    public int? Spares { get; init; }

    /// <summary>Takes the spares back.</summary>
    public bool SparesUninject { get; init; }

    /// <summary>Fatal health.</summary>
    public bool Fatal { get; init; }

    /// <summary>Takes fatal health back.</summary>
    public bool FatalUninject { get; init; }

    /// <summary>An unsafe shutdown: the state is dirty and the count goes up.</summary>
    public bool UnsafeShutdown { get; init; }

    /// <summary>Takes the unsafe shutdown's state back; the count stays.</summary>
    public bool UnsafeShutdownUninject { get; init; }

    /// <summary>Takes everything back.</summary>
    public bool UninjectAll { get; init; }

    /// <summary>Degrees Celsius at which the media's alarm trips.</summary>
    public double? MediaTemperatureThreshold { get; init; }

    /// <summary>Degrees Celsius at which the controller's alarm trips.</summary>
    public double? ControllerTemperatureThreshold { get; init; }

    /// <summary>Percent at which the spares' alarm trips.</summary>
    public int? SparesThreshold { get; init; }

    /// <summary><c>on</c> or <c>off</c>.</summary>
    public string? MediaTemperatureAlarm { get; init; }

    /// <summary><c>on</c> or <c>off</c>.</summary>
    public string? ControllerTemperatureAlarm { get; init; }

    /// <summary><c>on</c> or <c>off</c>.</summary>
    public string? SparesAlarm { get; init; }

    /// <summary>From now on a clear-error command clears so many bytes at most; 0 takes it back. Not of ndctl: it rehearses short clears.</summary>
    public ByteSize? ClearErrorLimit { get; init; }

    /// <summary>From now on clear-error commands fail with this: <c>ENXIO</c>, <c>EIO</c>, or <c>none</c> to take it back. Not of ndctl either.</summary>
    public string? ClearErrorErrno { get; init; }
}

/// <summary>A security command of a DIMM.</summary>
public sealed record DimmSecurityRequest
{
    /// <summary>
    /// As it is written to the <c>security</c> attribute: <c>freeze</c>, <c>update K NEW</c>, <c>disable K</c>, <c>erase K</c>, <c>overwrite K</c>,
    /// <c>master_update K NEW</c>, <c>master_erase K</c>, <c>disable_master K</c>; and <c>unlock K</c>, which the kernel does when it probes the DIMM. Key
    /// id 0 is no key.
    /// </summary>
    /// <example>update 0 1001</example>
    public string? Command { get; init; }
}

/// <summary>New firmware of a DIMM.</summary>
public sealed record DimmFirmwareRequest
{
    /// <summary>Its version, at most 32 characters; absent: only <see cref="Activate"/>.</summary>
    /// <example>1.2.0.5446</example>
    public string? Version { get; init; }

    /// <summary>Arms the activation; false disarms it.</summary>
    public bool? Arm { get; init; }

    /// <summary>Activates armed firmware at once; the namespaces of the DIMM's regions must be quiet (disabled).</summary>
    public bool Activate { get; init; }
}
