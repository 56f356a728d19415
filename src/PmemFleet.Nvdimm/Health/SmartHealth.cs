using System.Buffers.Binary;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Health;

/// <summary>Health bits of a DIMM; none set is healthy.</summary>
[Flags]
public enum SmartConditions
{
    /// <summary>ok.</summary>
    None = 0,

    /// <summary>non-critical.</summary>
    NonCritical = 1,

    /// <summary>critical.</summary>
    Critical = 2,

    /// <summary>fatal.</summary>
    Fatal = 4,
}

/// <summary>What an alarm watches; also the bits of alarm and trip masks.</summary>
[Flags]
public enum SmartAlarms
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Spare blocks at or below the threshold.</summary>
    Spares = 1,

    /// <summary>Media temperature at or above the threshold.</summary>
    MediaTemperature = 2,

    /// <summary>Controller temperature at or above the threshold.</summary>
    ControllerTemperature = 4,
}

/// <summary>Which members a SMART payload has (spec 60 section 10).</summary>
[Flags]
public enum SmartFields
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Health state.</summary>
    Health = 1 << 0,

    /// <summary>Spares.</summary>
    Spares = 1 << 1,

    /// <summary>Life used.</summary>
    LifeUsed = 1 << 2,

    /// <summary>Media temperature.</summary>
    MediaTemperature = 1 << 3,

    /// <summary>Controller temperature.</summary>
    ControllerTemperature = 1 << 4,

    /// <summary>Dirty shutdowns counted.</summary>
    ShutdownCount = 1 << 5,

    /// <summary>Which alarms have tripped.</summary>
    Alarms = 1 << 9,

    /// <summary>How the last shutdown went.</summary>
    ShutdownState = 1 << 10,

    /// <summary>All of the above.</summary>
    All = Health | Spares | LifeUsed | MediaTemperature | ControllerTemperature | ShutdownCount | Alarms | ShutdownState,
}

/// <summary>A DIMM's SMART values: what function 1 of the Intel DSM returns (spec 60 section 10).</summary>
public sealed record SmartHealth
{
    /// <summary>Bytes of the payload.</summary>
    public const int SizeBytes = 132;

    /// <summary>Steps in a degree.</summary>
    public const int StepsPerDegree = 16;

    /// <summary>Which members are valid.</summary>
    public SmartFields Valid { get; init; } = SmartFields.All;

    /// <summary>Health.</summary>
    public SmartConditions Conditions { get; init; }

    /// <summary>Percent of spare blocks left.</summary>
    public byte Spares { get; init; } = 75;

    /// <summary>Percent of life used.</summary>
    public byte LifeUsed { get; init; } = 5;

    /// <summary>Alarms that have tripped.</summary>
    public SmartAlarms Tripped { get; init; }

    /// <summary>Degrees Celsius of the media, in sixteenths.</summary>
    public double MediaTemperature { get; init; } = 23;

    /// <summary>Degrees Celsius of the controller, in sixteenths.</summary>
    public double ControllerTemperature { get; init; } = 25;

    /// <summary>Shutdowns whose flush did not complete; survives any clear.</summary>
    public uint ShutdownCount { get; init; } = 42;

    /// <summary>The last shutdown was not clean.</summary>
    public bool IsShutdownDirty { get; init; }

    /// <summary>The DIMM that the kernel's nfit_test emulates.</summary>
    public static SmartHealth NfitTest { get; } = new() { Conditions = SmartConditions.NonCritical, Tripped = SmartAlarms.Spares | SmartAlarms.MediaTemperature };

    /// <summary>The payload.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[SizeBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(SmartLayout.Flags), (uint)Valid);
        bytes[SmartLayout.Health] = (byte)Conditions;
        bytes[SmartLayout.Spares] = Spares;
        bytes[SmartLayout.LifeUsed] = LifeUsed;
        bytes[SmartLayout.AlarmFlags] = (byte)Tripped;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(SmartLayout.MediaTemperature), Encode(MediaTemperature));
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(SmartLayout.ControllerTemperature), Encode(ControllerTemperature));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(SmartLayout.ShutdownCount), ShutdownCount);
        bytes[SmartLayout.ShutdownState] = (byte)(IsShutdownDirty ? 1 : 0);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(SmartLayout.VendorSize), SizeBytes - SmartLayout.Vendor);
        return bytes;
    }

    /// <summary>Reads a payload; EIO where its status says that the command failed.</summary>
    public static Outcome<SmartHealth> Read(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < SmartLayout.Vendor || BinaryPrimitives.ReadUInt32LittleEndian(payload) != 0)
        {
            return new Refusal(Errno.EIO, "smart-failed", "the SMART command failed");
        }

        return new SmartHealth
        {
            Valid = (SmartFields)BinaryPrimitives.ReadUInt32LittleEndian(payload[SmartLayout.Flags..]),
            Conditions = (SmartConditions)payload[SmartLayout.Health],
            Spares = payload[SmartLayout.Spares],
            LifeUsed = payload[SmartLayout.LifeUsed],
            Tripped = (SmartAlarms)payload[SmartLayout.AlarmFlags],
            MediaTemperature = Decode(BinaryPrimitives.ReadUInt16LittleEndian(payload[SmartLayout.MediaTemperature..])),
            ControllerTemperature = Decode(BinaryPrimitives.ReadUInt16LittleEndian(payload[SmartLayout.ControllerTemperature..])),
            ShutdownCount = BinaryPrimitives.ReadUInt32LittleEndian(payload[SmartLayout.ShutdownCount..]),
            IsShutdownDirty = payload[SmartLayout.ShutdownState] != 0,
        };
    }

    /// <summary>Sixteenths of a degree with a sign in bit 15.</summary>
    private static ushort Encode(double celsius)
    {
        var steps = (ushort)Math.Min(Math.Round(Math.Abs(celsius) * StepsPerDegree), 0x7fff);
        return celsius < 0 ? (ushort)(steps | 0x8000) : steps;
    }

    private static double Decode(ushort raw) => (raw & 0x7fff) / (double)StepsPerDegree * ((raw & 0x8000) != 0 ? -1 : 1);
}
