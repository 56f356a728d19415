using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Btt;

/// <summary>Starts a BTT: the one on the media, or a new one (spec 30 sections 1 and 4).</summary>
internal static class BttBinding
{
    private static readonly Version OneOne = new(1, 1);
    private static readonly Version TwoZero = new(2, 0);

    /// <summary>Which version a namespace's claim class asks for, and where its first arena begins.</summary>
    public static (Version Version, long BaseOffset) Placement(ClaimClass claim) => claim == ClaimClass.Btt2 ? (TwoZero, 0) : (OneOne, 4096);

    public static Outcome<BindOutcome> Detect(BindPlan plan, IMedia media)
    {
        var (version, baseOffset) = Placement(plan.ClaimClass);
        return Find(plan, media, version, baseOffset).TryGet(out var info, out var refusal) ? Open(plan, media, info) : (Outcome<BindOutcome>)refusal;
    }

    /// <summary>Where no first arena is found the BTT is made anew, whatever was there before.</summary>
    public static Outcome<BindOutcome> StartConfigured(BindPlan plan, ConfiguredPersonality configured, IMedia media)
    {
        var (version, baseOffset) = Placement(plan.ClaimClass);
        if (configured.SectorSize is not { } sector || !BttGeometry.SectorSizes.Contains((int)sector.Value))
        {
            return new Refusal(Errno.ENODEV, "sector-size-missing", "the BTT has no sector size it could use")
                .With("sectorSize", configured.SectorSize?.Value ?? 0).Allowing(Nearest.Of(BttGeometry.SectorSizes.Select(size => (long)size), configured.SectorSize?.Value ?? 0));
        }

        if (media.Length - baseOffset < BttGeometry.SmallestArena)
        {
            return new Refusal(Errno.ENXIO, "btt-too-small", "a BTT needs at least 16 MiB")
                .With("size", media.Length - baseOffset).With("least", BttGeometry.SmallestArena).Allowing($"{BttGeometry.SmallestArena}");
        }

        // a valid first arena is taken as it is, its own uuid and sector size too
        if (Find(plan, media, version, baseOffset).TryGet(out var info, out var refusal))
        {
            return Open(plan, media, info);
        }

        if (refusal.Errno != Errno.ENODEV)
        {
            return refusal with { Errno = Errno.ENOMEM };
        }

        if (plan.ReadOnly)
        {
            return Failed(configured.Uuid, sector.Value, new Refusal(Errno.ENOMEM, "region-read-only", "the region is read-only, unable to init btt metadata"), ["No existing arenas"]);
        }

        if (BttFormat.Write(media, baseOffset, version, configured.Uuid, plan.ParentUuid ?? Guid.Empty, (int)sector.Value) is { } errno)
        {
            return Failed(configured.Uuid, sector.Value, new Refusal(Errno.ENOMEM, "btt-unwritable", "the BTT's metadata cannot be written").With("errno", (int)errno), ["No existing arenas"]);
        }

        return Find(plan, media, version, baseOffset).TryGet(out info, out refusal) ? Open(plan, media, info, "No existing arenas") : (Outcome<BindOutcome>)refusal;
    }

    private static Outcome<BttInfoBlock> Find(BindPlan plan, IMedia media, Version version, long baseOffset)
    {
        var bytes = new byte[BttInfoBlock.SizeBytes];
        if (MetadataAccess.Read(media, baseOffset, bytes) is not null)
        {
            return new Refusal(Errno.ENXIO, "info-block-unreadable", "the BTT info block cannot be read");
        }

        return BttInfoBlock.TryRead(bytes, plan.ParentUuid ?? Guid.Empty, out var info) && info.Version == version
            ? info
            : new Refusal(Errno.ENODEV, "no-info-block", "there is no BTT info block of this namespace");
    }

    /// <summary>Any failure to start shows as ENOMEM from the enable, and leaves the BTT holding the namespace (spec 30 section 4).</summary>
    private static BindOutcome Open(BindPlan plan, IMedia media, BttInfoBlock info, params string[] messages)
    {
        var (_, baseOffset) = Placement(plan.ClaimClass);
        if (BttDevice.Open(media, baseOffset, plan.ParentUuid ?? Guid.Empty, plan.ReadOnly).TryGet(out var device, out var refusal))
        {
            return new BindOutcome.Btt
            {
                Uuid = info.Uuid,
                SectorSize = new Bytes(info.Geometry.ExternalLbaSize),
                Size = new Bytes(device.Length),
                Version = info.Version,
                Messages = [.. messages, .. device.Messages],
            };
        }

        return Failed(info.Uuid, info.Geometry.ExternalLbaSize, refusal with { Errno = Errno.ENOMEM }, [.. messages, .. refusal.Message.Split('\n'), $"init: error in arena_discover: -{(int)refusal.Errno}"]);
    }

    private static BindOutcome.Failed Failed(Guid uuid, long sectorSize, Refusal refusal, IReadOnlyList<string> messages) => new()
    {
        Refusal = refusal with { Message = refusal.Message.Replace("\n", "; ", StringComparison.Ordinal) },
        Messages = messages,
        Claim = new ConfiguredPersonality { Kind = PersonalityKind.Btt, Uuid = uuid, SectorSize = new Bytes(sectorSize) },
    };
}
