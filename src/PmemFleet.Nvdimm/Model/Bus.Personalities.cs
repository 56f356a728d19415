using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Model;

/// <content>The small steps of sysfs on BTT, PFN and DAX devices (spec 20 section 6, spec 40 section 2).</content>
public sealed partial class Bus
{
    private const long LeastClaimBytes = 16 * Bytes.MiB;

    /// <summary>External sector sizes a BTT can have.</summary>
    public static IReadOnlyList<int> BttSectorSizes { get; } = [512, 520, 528, 4096, 4104, 4160, 4224];

    /// <summary>Alignments a PFN or DAX can have.</summary>
    public IReadOnlyList<long> SupportedAlignments =>
        SupportsPud ? [Region.PageBytes, 2 * Bytes.MiB, Bytes.GiB] : [Region.PageBytes, 2 * Bytes.MiB];

    /// <summary>Writes a personality's <c>uuid</c>.</summary>
    public Outcome<Done> SetPersonalityUuid(string name, Guid uuid) => StorePersonality(name, p =>
    {
        if (IsUuidUsed(uuid))
        {
            return new Refusal(Errno.EINVAL, "uuid-not-unique", $"{p.Name}: set_uuid failed: Invalid argument").About("uuid");
        }

        p.Uuid = uuid;
        return default(Done);
    });

    /// <summary>Writes a BTT's <c>sector_size</c>.</summary>
    public Outcome<Done> SetBttSectorSize(string name, int sectorSize) => StorePersonality(name, p =>
    {
        if (p.Kind != PersonalityKind.Btt || !BttSectorSizes.Contains(sectorSize))
        {
            return new Refusal(Errno.EINVAL, "btt-sector-size", $"{p.Region.Name}: does not support btt sector_size {sectorSize}")
                .With("sectorSize", sectorSize).Allowing(Nearest.Of(p.Kind == PersonalityKind.Btt ? BttSectorSizes.Select(s => (long)s) : [], sectorSize)).About("sectorSize");
        }

        p.SectorSize = new Bytes(sectorSize);
        return default(Done);
    });

    /// <summary>Writes a PFN's or DAX's <c>mode</c>: null is <c>none</c>.</summary>
    public Outcome<Done> SetMap(string name, MapLocation? map) => StorePersonality(name, p =>
    {
        if (p.Kind == PersonalityKind.Btt)
        {
            return new Refusal(Errno.EINVAL, "btt-has-no-map", $"{p.Name}: Invalid argument").About("map");
        }

        p.Map = map;
        return default(Done);
    });

    /// <summary>Writes a PFN's or DAX's <c>align</c>.</summary>
    public Outcome<Done> SetPersonalityAlign(string name, long align) => StorePersonality(name, p =>
    {
        if (p.Kind == PersonalityKind.Btt || !SupportedAlignments.Contains(align))
        {
            return new Refusal(Errno.EINVAL, "unsupported-align", $"unsupported align: {align}")
                .With("align", align).Allowing(Nearest.Of(p.Kind == PersonalityKind.Btt ? [] : SupportedAlignments, align)).About("align");
        }

        p.Align = new Bytes(align);
        return default(Done);
    });

    /// <summary>Writes <c>namespace</c>: attaches, or detaches and resets where the name is empty.</summary>
    public Outcome<Done> Attach(string name, string target)
    {
        if (FindPersonality(name) is not { } personality)
        {
            return Refuse.NoDevice("personality", name);
        }

        if (personality.Bound is not null || personality.Namespace?.State == NamespaceState.Pending)
        {
            return new Refusal(Errno.EBUSY, "personality-active", $"{name}: Device or resource busy");
        }

        if (target.Length > 0 && !target.StartsWith("namespace", StringComparison.Ordinal))
        {
            return new Refusal(Errno.EINVAL, "not-a-namespace", $"{name}: Invalid argument").About("namespace")
                .Allowing([.. personality.Region.Namespaces.Where(n => n is { Claim: null, Size: >= LeastClaimBytes }).Select(n => n.Name), ""]);
        }

        if (target.Length == 0)
        {
            Detach(personality);
            return default(Done);
        }

        if (personality.Namespace is not null)
        {
            return new Refusal(Errno.EBUSY, "already-attached", $"{name} is attached to {personality.Namespace.Name}: Device or resource busy");
        }

        if (FindNamespace(target) is not { } device || device.Region != personality.Region)
        {
            return new Refusal(Errno.ENODEV, "no-such-namespace", $"{target}: No such device").About("namespace");
        }

        return Attach(personality, device);
    }

    private static Outcome<Done> Attach(Personality personality, PmemNamespace device)
    {
        if (!Allows(device.ClaimClass, personality.Kind))
        {
            return new Refusal(Errno.EBUSY, "claim-class", $"{device.Name} may be claimed by {device.ClaimClass} only: Device or resource busy")
                .Allowing(Enum.GetValues<PersonalityKind>().Where(kind => Allows(device.ClaimClass, kind)).Select(kind => Personality.Prefix(kind)));
        }

        if (device.Size < LeastClaimBytes)
        {
            return new Refusal(Errno.ENXIO, "namespace-too-small", $"{device.Name} is too small: No such device or address")
                .With("size", device.Size).With("least", LeastClaimBytes)
                .Allowing(Nearest.Multiples(device.Size, device.Region.Align, LeastClaimBytes, LargestSize(device)));
        }

        if (device.Claim is not null)
        {
            return new Refusal(Errno.EBUSY, "namespace-claimed", $"{device.Name} is claimed by {device.Claim.Name}: Device or resource busy");
        }

        personality.Namespace = device;
        device.Claim = personality;
        return default(Done);
    }

    private static bool Allows(ClaimClass allowed, PersonalityKind kind) => allowed switch
    {
        ClaimClass.None => true,
        ClaimClass.Btt or ClaimClass.Btt2 => kind == PersonalityKind.Btt,
        ClaimClass.Pfn => kind == PersonalityKind.Pfn,
        ClaimClass.Dax => kind == PersonalityKind.Dax,
        _ => false,
    };

    /// <summary>An unclaimed personality goes away, but the seed is only reset; its alignment stays (golden j_busy_sysfs).</summary>
    private static void Detach(Personality personality)
    {
        if (personality.Namespace is { } device)
        {
            device.Claim = null;
        }

        personality.Namespace = null;
        (personality.Uuid, personality.Map, personality.SectorSize) = (null, null, null);
        if (!personality.IsSeed)
        {
            personality.Region.RemovePersonality(personality);
        }
    }

    private Outcome<Done> StorePersonality(string name, Func<Personality, Outcome<Done>> store) =>
        FindPersonality(name) is not { } personality ? Refuse.NoDevice("personality", name)
        : personality.Bound is not null || personality.Namespace?.State == NamespaceState.Pending
            ? new Refusal(Errno.EBUSY, "personality-active", $"{name}: Device or resource busy")
        : store(personality);
}
