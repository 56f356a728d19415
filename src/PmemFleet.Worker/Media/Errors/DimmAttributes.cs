using System.Text.Json;
using System.Text.Json.Serialization;
using PmemFleet.Nvdimm.Health;

namespace PmemFleet.Worker.Media.Errors;

/// <summary>What a DIMM remembers beside its error lists: counters, what is injected into its health, its security. Small, and replaced whole.</summary>
internal sealed record DimmAttributes
{
    /// <summary>Unsafe shutdowns counted.</summary>
    public long DirtyShutdownCount { get; set; }

    /// <summary>The last shutdown was not clean.</summary>
    public bool IsShutdownDirty { get; set; }

    /// <summary>Scrub passes of the bus.</summary>
    public long ScrubCount { get; set; }

    /// <summary>Clear-error units that were cleared in all: each took a spare.</summary>
    public long RemappedUnits { get; set; }

    /// <summary>Injected degrees Celsius of the media.</summary>
    public double? MediaTemperature { get; set; }

    /// <summary>Injected percent of spares.</summary>
    public byte? Spares { get; set; }

    /// <summary>Fatal health is injected.</summary>
    public bool IsFatal { get; set; }

    /// <summary>An unsafe shutdown is injected: its state can be taken back, its count not.</summary>
    public bool IsUnsafeShutdownInjected { get; set; }

    /// <summary>The task that injected last.</summary>
    public Guid? InjectedBy { get; set; }

    /// <summary>The task of the campaign that was applied last.</summary>
    public Guid? AppliedBy { get; set; }

    /// <summary>When alarms are raised.</summary>
    public SmartThresholds Thresholds { get; set; } = new();

    /// <summary>Security.</summary>
    public DimmSecurity Security { get; set; } = new();

    /// <summary>The most bytes that one clear-error command clears; null: all.</summary>
    public long? ClearLimit { get; set; }

    /// <summary>The errno that clear-error commands fail with; null: they do not.</summary>
    public int? ClearErrno { get; set; }

    /// <summary>The firmware that runs.</summary>
    public string Firmware { get; set; } = "1.2.0.5444";

    /// <summary>The firmware that waits for its activation.</summary>
    public string? NextFirmware { get; set; }

    /// <summary>The next firmware is armed: a power cycle or an activation brings it.</summary>
    public bool IsFirmwareArmed { get; set; }

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, DimmAttributesJson.Default.DimmAttributes);

    /// <exception cref="JsonException">The bytes are of something else.</exception>
    public static DimmAttributes Read(ReadOnlySpan<byte> bytes) => JsonSerializer.Deserialize(bytes, DimmAttributesJson.Default.DimmAttributes)!;
}

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(DimmAttributes))]
internal sealed partial class DimmAttributesJson : JsonSerializerContext;
