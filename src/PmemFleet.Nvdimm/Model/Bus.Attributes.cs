using System.Text;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Labels;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Model;

/// <content>The small steps of sysfs on a namespace (spec 20 section 4). Each that succeeds rewrites the labels, as Linux does.</content>
public sealed partial class Bus
{
    /// <summary>Writes <c>uuid</c>.</summary>
    public Outcome<Done> SetUuid(string name, Guid uuid) => Store(name, device =>
    {
        if (device.Kind == NamespaceKind.Io)
        {
            return NoAttribute(device, "uuid");
        }

        if (device.IsHeld)
        {
            return Refuse.Active(device);
        }

        if (IsUuidUsed(uuid))
        {
            return new Refusal(Errno.EINVAL, "uuid-not-unique", $"{device.Name}: set_uuid failed: Invalid argument").About("uuid");
        }

        var old = device.Uuid;
        if (old is { } before)
        {
            if (!device.Region.HasLabels)
            {
                return new Refusal(Errno.EBUSY, "uuid-without-labels", $"{device.Name}: set_uuid failed: Device or resource busy").About("uuid");
            }

            foreach (var mapping in device.Region.Mappings)
            {
                mapping.Dimm.Space.Rename(before, uuid);
            }
        }

        device.Uuid = uuid;
        return UpdateLabels(device, replaces: old);
    });

    /// <summary>Writes <c>alt_name</c>: at most 63 bytes.</summary>
    public Outcome<Done> SetAltName(string name, string altName) => Store(name, device =>
    {
        if (device.Kind == NamespaceKind.Io)
        {
            return NoAttribute(device, "alt_name");
        }

        if (device.IsHeld)
        {
            return Refuse.Active(device);
        }

        if (Encoding.UTF8.GetByteCount(altName) is var length && length >= LabelLayout.NameBytes)
        {
            return new Refusal(Errno.EINVAL, "name-too-long", "alt name overflow").With("bytes", length).With("most", LabelLayout.NameBytes - 1).About("name")
                .Allowing(Nearest.Text(altName, LabelLayout.NameBytes - 1));
        }

        device.AltName = altName;
        return UpdateLabels(device);
    });

    /// <summary>Writes <c>size</c>; 0 deletes the namespace.</summary>
    public Outcome<Done> SetSize(string name, long size) => Store(name, device => SetSize(device, size));

    /// <summary>Writes <c>sector_size</c>: 512 or 4096.</summary>
    public Outcome<Done> SetSectorSize(string name, int sectorSize) => Store(name, device =>
    {
        if (device.Kind == NamespaceKind.Io)
        {
            return NoAttribute(device, "sector_size");
        }

        if (device.IsHeld)
        {
            return Refuse.Active(device);
        }

        if (sectorSize is not (512 or 4096))
        {
            return new Refusal(Errno.EINVAL, "sector-size", $"{device.Region.Name}: does not support namespace sector_size {sectorSize}")
                .With("sectorSize", sectorSize).Allowing(Nearest.Of([512, 4096], sectorSize)).About("sectorSize");
        }

        device.SectorSize = sectorSize;
        return UpdateLabels(device);
    });

    /// <summary>Writes <c>holder_class</c>: <c>btt</c>, <c>pfn</c>, <c>dax</c> or nothing.</summary>
    public Outcome<Done> SetHolderClass(string name, string holderClass) => Store(name, device =>
    {
        if (device.IsHeld)
        {
            return Refuse.Active(device);
        }

        ClaimClass? wanted = holderClass switch
        {
            "btt" => BttClass(device.Region),
            "pfn" => ClaimClass.Pfn,
            "dax" => ClaimClass.Dax,
            "" => ClaimClass.None,
            _ => ClaimClass.Unknown,
        };
        if (wanted is not { } set || set == ClaimClass.Unknown)
        {
            return new Refusal(wanted is null ? Errno.ENXIO : Errno.EINVAL, "holder-class", $"{device.Name}: holder_class '{holderClass}' is not possible")
                .Allowing(wanted is null ? ["pfn", "dax", ""] : ["btt", "pfn", "dax", ""]).About("holderClass");
        }

        device.ClaimClass = set;
        return UpdateLabels(device);
    });

    /// <summary>Writes <c>force_raw</c>.</summary>
    public Outcome<Done> SetForceRaw(string name, bool forceRaw) => Store(name, device =>
    {
        device.ForceRaw = forceRaw;
        return default(Done);
    });

    /// <summary>Notes whether a filesystem or another exclusive opener holds the namespace's device: then it cannot be disabled.</summary>
    public Outcome<Done> SetMounted(string name, bool mounted) => Store(name, device =>
    {
        device.Mounted = mounted;
        return default(Done);
    });

    private static Refusal NoAttribute(PmemNamespace device, string attribute) =>
        new Refusal(Errno.ENXIO, "label-less-namespace", $"{device.Name} is label-less: it has no {attribute}").About(attribute);

    private static ClaimClass? BttClass(Region region)
    {
        // v1.1 labels, or a DIMM without driver data: BTT 1.1; v1.2 labels or no index: BTT 2.0; both in one set: none
        var old = 0;
        var current = 0;
        foreach (var mapping in region.Mappings)
        {
            if (mapping.Dimm.Labels is not { } labels)
            {
                return ClaimClass.Btt;
            }

            if (labels.SelectsFirstCookie)
            {
                old++;
            }
            else
            {
                current++;
            }
        }

        return old == region.Mappings.Count ? ClaimClass.Btt : current == region.Mappings.Count ? ClaimClass.Btt2 : null;
    }

    /// <summary>Linux looks at the namespaces, BTTs and PFNs of the bus, and not at its DAX devices (golden y_defaults).</summary>
    private bool IsUuidUsed(Guid uuid)
    {
        foreach (var region in _regions)
        {
            foreach (var device in region.NamespaceTable.Slots)
            {
                if (device is not null && device.Uuid == uuid)
                {
                    return true;
                }
            }

            foreach (var personality in region.AllPersonalities())
            {
                if (personality.Kind != PersonalityKind.Dax && personality.Uuid == uuid)
                {
                    return true;
                }
            }
        }

        return false;
    }

    private Outcome<Done> Store(string name, Func<PmemNamespace, Outcome<Done>> store) =>
        FindNamespace(name) is { } device ? store(device) : Refuse.NoDevice("namespace", name);
}
