using PmemFleet.DeviceDax.AddressSpaces;
using PmemFleet.DeviceDax.Devices;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.Faults;

/// <summary>The driver's own checks of a mapping, the same in mmap and in every fault (spec 50 section 3).</summary>
internal static class DevDaxRules
{
    /// <summary>Null when a fault may go on; the cheap form of <see cref="CheckMapping"/>.</summary>
    public static bool Passes(DaxDevice device, Mapping mapping) =>
        device.IsAlive
        && (mapping.Flags & VmFlags.MayShare) != 0
        && PageGranules.IsAligned(mapping.StartValue | mapping.EndValue, device.Granule.Bytes())
        && (device.HasStructPages || (mapping.Flags & VmFlags.DontCopy) != 0);

    /// <summary>The first rule the mapping breaks, with the kernel's message; logged where Linux logs.</summary>
    public static Refusal? CheckMapping(DaxDevice device, Mapping mapping, Process process, string function)
    {
        if (!device.IsAlive)
        {
            return new Refusal(Errno.ENXIO, "dax-device-dead", $"{device.Name} is disabled.").About("fd");
        }

        if ((mapping.Flags & VmFlags.MayShare) == 0)
        {
            return Fail(device, process, function, "mmap-private", "attempted private mapping",
                new Refusal(Errno.EINVAL, "mmap-private", "Device-dax memory can't be mapped private.").About("flags").Allowing("MAP_SHARED", "MAP_SHARED_VALIDATE"));
        }

        var align = device.Granule.Bytes();
        if (!PageGranules.IsAligned(mapping.StartValue | mapping.EndValue, align))
        {
            var message = $"unaligned vma ({mapping.Start} - {mapping.End}, 0x{align - 1:x})";
            return Fail(device, process, function, "mmap-unaligned-vma", message, Unaligned(mapping, align));
        }

        if (!device.HasStructPages && (mapping.Flags & VmFlags.DontCopy) == 0)
        {
            return Fail(device, process, function, "mmap-needs-dontfork", "dax range requires MADV_DONTFORK",
                new Refusal(Errno.EINVAL, "mmap-needs-dontfork", "Memory without struct pages can only be mapped when no child inherits it."));
        }

        return null;
    }

    private static Refusal Unaligned(Mapping mapping, ulong align)
    {
        var length = mapping.EndValue - mapping.StartValue;
        return new Refusal(Errno.EINVAL, "mmap-unaligned-vma", "Address and length must be multiples of the device's align, and so must the offset when no address is given.")
            .WithAddress("start", mapping.StartValue).WithAddress("end", mapping.EndValue)
            .With("length", length).With("align", align).With("offset", mapping.PageOffset << PageGranules.PageShift)
            .Allowing([.. new[] { PageGranules.AlignUp(length, align), PageGranules.AlignDown(length, align) }.Where(l => l > 0).Distinct().Select(l => $"{l}")]);
    }

    private static Refusal Fail(DaxDevice device, Process process, string function, string rule, string text, Refusal refusal)
    {
        var line = $"device_dax {device.Name}: {process.Comm}: {function}: fail, {text}";
        device.Machine.Log(line);
        return refusal with { Rule = rule, KernelMessage = line };
    }
}
