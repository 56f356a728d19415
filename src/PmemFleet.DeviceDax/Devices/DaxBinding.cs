using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.Devices;

/// <summary>Which driver a dax device has.</summary>
public enum DaxDriver
{
    /// <summary>None: it is disabled.</summary>
    None,

    /// <summary>device_dax: a character device that is mapped (daxctl's mode <c>devdax</c>).</summary>
    DeviceDax,

    /// <summary>kmem: its memory is the kernel's, in blocks that are onlined (mode <c>system-ram</c>).</summary>
    Kmem,
}

/// <summary>
/// A pmem dax device as daxctl sees and changes it: its driver, and in system-ram mode its memory blocks. A value; each command gives the
/// next one or a refusal with the errno daxctl ends with (golden group i).
/// </summary>
/// <param name="Name">Such as <c>dax0.0</c>.</param>
/// <param name="Range">Its data.</param>
public sealed record DaxBinding(string Name, PhysicalRange Range)
{
    /// <summary>Bytes of a memory block of x86-64: what kmem adds memory in.</summary>
    public const ulong MemoryBlockBytes = 128 * ByteCount.MiB;

    /// <summary>Its driver.</summary>
    public DaxDriver Driver { get; init; } = DaxDriver.DeviceDax;

    /// <summary>The mode daxctl lists: that of the driver it had last.</summary>
    public bool IsSystemRam { get; init; }

    /// <summary>Blocks that are online; 0 unless it is system RAM.</summary>
    public int OnlineBlocks { get; init; }

    /// <summary>Whole memory blocks inside it, which are all that becomes RAM.</summary>
    public int WholeBlocks => WholeEnd > WholeStart ? (int)((WholeEnd - WholeStart) / MemoryBlockBytes) : 0;

    /// <summary>The range kmem claims: from its first whole block to its last.</summary>
    public PhysicalRange WholeRange => new(new(WholeStart), new((ulong)WholeBlocks * MemoryBlockBytes));

    private ulong WholeStart => PageGranules.AlignUp(Range.Start.Value, MemoryBlockBytes);

    private ulong WholeEnd => PageGranules.AlignDown(Range.End.Value, MemoryBlockBytes);

    /// <summary>
    /// <c>daxctl enable-device</c>; enabled already is no error, system RAM is ENXIO whether its memory is online or not.
    /// </summary>
    public Outcome<DaxBinding> Enable() =>
        IsSystemRam ? NotDevdax() : Driver != DaxDriver.None ? this : this with { Driver = DaxDriver.DeviceDax };

    /// <summary>
    /// <c>daxctl disable-device</c>; disabled already is no error, system RAM is ENXIO whether its memory is online or not.
    /// </summary>
    public Outcome<DaxBinding> Disable() => IsSystemRam ? NotDevdax() : this with { Driver = DaxDriver.None };

    /// <summary>What unbinding the namespace below says: EBUSY while memory is online; null where nothing is in its way.</summary>
    public Refusal? RefuseUnbind() => OnlineBlocks > 0 ? Online(Errno.EBUSY) : null;

    /// <summary>
    /// <c>daxctl reconfigure-device --mode=system-ram</c>: in that mode already it onlines what is offline. daxctl unbinds the device
    /// before kmem looks at its range: where no whole memory block is inside, the answer is EINVAL and the device is left disabled
    /// (golden y_lists C17).
    /// </summary>
    /// <param name="onlines">False with <c>--no-online</c>.</param>
    /// <returns>What the device is then, and the error of the command.</returns>
    public (DaxBinding After, Refusal? Refusal) ToSystemRam(bool onlines) => WholeBlocks == 0
        ? (this with { Driver = DaxDriver.None }, new Refusal(
            Errno.EINVAL, "kmem-range-too-small", "No whole memory block of 128 MiB is inside the device: the region is rejected.")
            .WithAddress("start", Range.Start.Value).With("size", Range.Length.Value).With("block", MemoryBlockBytes)
            .Allowing($"{PageGranules.AlignUp(Range.Start.Value, MemoryBlockBytes) - Range.Start.Value + MemoryBlockBytes}"))
        : (this with { Driver = DaxDriver.Kmem, IsSystemRam = true, OnlineBlocks = onlines ? WholeBlocks : OnlineBlocks }, null);

    /// <summary><c>daxctl reconfigure-device --mode=devdax</c>: EBUSY while memory is online, unless it is offlined by force.</summary>
    public Outcome<DaxBinding> ToDevdax(bool force) =>
        OnlineBlocks > 0 && !force ? Online(Errno.EBUSY) : this with { Driver = DaxDriver.DeviceDax, IsSystemRam = false, OnlineBlocks = 0 };

    /// <summary><c>daxctl online-memory</c>; ENXIO in devdax mode, online already is no error.</summary>
    public Outcome<DaxBinding> OnlineMemory() => Driver == DaxDriver.Kmem ? this with { OnlineBlocks = WholeBlocks } : NotRam();

    /// <summary><c>daxctl offline-memory</c>; ENXIO in devdax mode, offline already is no error.</summary>
    public Outcome<DaxBinding> OfflineMemory() => Driver == DaxDriver.Kmem ? this with { OnlineBlocks = 0 } : NotRam();

    /// <summary><c>daxctl create-device</c> in this device's region: a pmem region is all one device, and nothing is free.</summary>
    public static Refusal Create(int region) =>
        new Refusal(Errno.ENOSPC, "dax-region-static", "The dax region of a pmem namespace has one device over all of it: nothing is free. Make another devdax namespace.").With("region", (ulong)region);

    /// <summary><c>daxctl destroy-device</c>, <c>reconfigure-device --size</c> and <c>--align</c>: a pmem device keeps its shape.</summary>
    /// <param name="what">The attribute that daxctl would have written: size or align.</param>
    /// <param name="force">With <c>--force</c>; without, an enabled device is refused for being active.</param>
    public Refusal Reshape(string what, bool force) => Driver != DaxDriver.None && !force
        ? new(Errno.ENXIO, "dax-device-active", $"{Name} is active, specify --force for deletion")
        : new(Errno.ENXIO, "dax-region-static", $"{Name}: failed to set {what}: the device of a pmem namespace keeps its size and align; reconfigure the namespace.");

    private Refusal Online(Errno errno) =>
        new Refusal(errno, "dax-memory-online", $"{Name} is system RAM and has memory online; offline it first.").With("onlineBlocks", (ulong)OnlineBlocks);

    private Refusal NotDevdax() => new(Errno.ENXIO, "dax-status-in-ram", $"{Name}: status operations are only applicable in devdax mode");

    private Refusal NotRam() => new(Errno.ENXIO, "dax-not-system-ram", $"{Name}: memory operations are not applicable in devdax mode.");
}
