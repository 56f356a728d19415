using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Model;

/// <content>A namespace's size: where its DPA comes from and goes to (spec 20 section 4, spec 10 section 13).</content>
public sealed partial class Bus
{
    private static Outcome<Done> SetSize(PmemNamespace device, long size)
    {
        var region = device.Region;
        if (device.Kind == NamespaceKind.Io)
        {
            return (NoAttribute(device, "size") with { Errno = Errno.EINVAL }).With("size", size).With("regionSize", region.Size);
        }

        if (device.IsHeld)
        {
            return Refuse.Active(device);
        }

        if (device.Uuid is not { } uuid || region.Mappings.Count == 0)
        {
            return new Refusal(Errno.ENXIO, "uuid-not-set", $"{device.Name}: set_size failed: No such device or address").About("size");
        }

        if (size < 0 || size % region.Align != 0)
        {
            return new Refusal(Errno.EINVAL, "size-misaligned", $"{region.Name}: align setting is 0x{region.Align:x} size 0x{size:x} is misaligned")
                .With("size", size).With("align", region.Align).About("size")
                .Allowing(Nearest.Multiples(size, region.Align, 1, LargestSize(device)));
        }

        var allocated = 0L;
        foreach (var mapping in region.Mappings)
        {
            if (!Region.HasDriverData(mapping.Dimm))
            {
                return new Refusal(Errno.ENXIO, "dimm-disabled", $"{mapping.Dimm.Name}: No such device or address");
            }

            allocated += mapping.Dimm.Space.Allocated(uuid);
        }

        if (size > allocated)
        {
            var available = region.MaxAvailableExtent;
            if (size > available + allocated)
            {
                return new Refusal(Errno.ENOSPC, "no-space", $"{device.Name}: set_size failed: No space left on device")
                    .With("size", size).With("allocated", allocated).With("maxAvailableExtent", available).About("size")
                    .Allowing(Nearest.Multiples(size, region.Align, 1, LargestSize(device)));
            }

            if (allocated == 0 && region.Mappings.FirstOrDefault(m => m.Dimm.Labels!.AvailableSlots == 0) is { } full)
            {
                return new Refusal(Errno.ENXIO, "label-slots-exhausted", $"{full.Dimm.Name}: no free label slot").With("availableSlots", 0);
            }

            if (Grow(region, uuid, (size - allocated) / region.Ways).Refusal is { } refusal)
            {
                return refusal.With("size", size).With("allocated", allocated).Allowing(Nearest.Multiples(size, region.Align, 1, LargestSize(device)));
            }
        }
        else
        {
            foreach (var mapping in region.Mappings)
            {
                mapping.Dimm.Space.Shrink(uuid, (allocated - size) / region.Ways);
            }
        }

        device.Size = size;
        if (size > 0)
        {
            var first = region.Mappings[0];
            device.Start = region.Start + ((first.Dimm.Space.FirstOf(uuid)!.Value.Start - first.Part.Start) * region.Ways);
        }

        var written = UpdateLabels(device);
        if (written.Refusal is null && size == 0)
        {
            device.Uuid = null;
            if (allocated > 0 && device.Id != 0 && !device.IsSeed)
            {
                region.NamespaceTable.Remove(device.Id);
            }
        }

        return written;
    }

    /// <summary>What a namespace can grow to where it lies, or have at most where it has nothing yet: what the stores of sizes compare with.</summary>
    internal static long LargestSize(PmemNamespace device)
    {
        var region = device.Region;
        if (device.Kind == NamespaceKind.Io || region.Mappings.Any(m => !Region.HasDriverData(m.Dimm)))
        {
            return device.Size;
        }

        var owner = device.Uuid ?? Guid.Empty;
        var step = region.Align / region.Ways;
        var (fits, beyond) = (0L, (region.MaxAvailableExtent / region.Align) + 1);
        while (beyond - fits > 1)
        {
            var tried = fits + ((beyond - fits) / 2);
            (fits, beyond) = region.Mappings.All(m => m.Dimm.Space.TryGrow(m.Part, owner, tried * step, step, commit: false)) ? (tried, beyond) : (fits, tried);
        }

        return device.Size + (fits * region.Align);
    }

    private static Outcome<Done> Grow(Region region, Guid uuid, long bytes)
    {
        foreach (var mapping in region.Mappings)
        {
            if (!mapping.Dimm.Space.TryGrow(mapping.Part, uuid, bytes, region.Align / region.Ways, commit: region.Ways == 1))
            {
                return new Refusal(Errno.ENXIO, "allocation-not-contiguous", "allocation underrun: No such device or address").About("size");
            }
        }

        for (var i = 0; region.Ways > 1 && i < region.Ways; i++)
        {
            region.Mappings[i].Dimm.Space.TryGrow(region.Mappings[i].Part, uuid, bytes, region.Align / region.Ways);
        }

        return default(Done);
    }
}
