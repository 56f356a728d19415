using System.Collections.Immutable;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Model;

/// <summary>What a command over one namespace changed, and what the worker has to do.</summary>
/// <param name="Namespace">The namespace.</param>
/// <param name="Steps">Media steps in order; a bind is answered by <see cref="Bus.Complete"/>.</param>
public sealed record NamespaceChange(PmemNamespace Namespace, ImmutableArray<MediaStep> Steps)
{
    /// <summary>
    /// Set where a command failed after its point of no return: the steps (unbind, zero) have to be done, no bind
    /// is among them, and the caller gets this refusal.
    /// </summary>
    public Refusal? Refusal { get; init; }
}

/// <content>Bind and unbind, split in two: the plan here, the media in a worker, the outcome back here (spec 20 section 5).</content>
public sealed partial class Bus
{
    private const long InfoBlocksBytes = 8192;
    private const long SubSectionBytes = 2 * Bytes.MiB;

    /// <summary>ndctl enable-namespace: info blocks decide what it becomes. Already enabled is a success without steps.</summary>
    public Outcome<NamespaceChange> EnableNamespace(string name)
    {
        if (FindNamespace(name) is not { } device)
        {
            return Refuse.NoDevice("namespace", name);
        }

        if (device.IsEnabled)
        {
            return new NamespaceChange(device, []);
        }

        // ndctl reports every failed bind as ENXIO
        return BeginBind(device, null, BindIntent.Enable).TryGet(out var step, out var refusal)
            ? new NamespaceChange(device, [step])
            : refusal.Errno is Errno.ENODEV ? refusal with { Errno = Errno.ENXIO } : refusal;
    }

    /// <summary>ndctl disable-namespace. Already disabled is a success without steps.</summary>
    public Outcome<NamespaceChange> DisableNamespace(string name)
    {
        if (FindNamespace(name) is not { } device)
        {
            return Refuse.NoDevice("namespace", name);
        }

        var steps = new List<MediaStep>();
        return Disable(device, steps).TryGet(out _, out var refusal) ? new NamespaceChange(device, [.. steps]) : refusal;
    }

    /// <summary>Writes a namespace's or personality's name to its driver's <c>bind</c>.</summary>
    public Outcome<NamespaceChange> Bind(string device)
    {
        var personality = FindPersonality(device);
        if ((personality?.Namespace ?? FindNamespace(device)) is not { } target)
        {
            return personality is null
                ? new Refusal(Errno.ENODEV, "no-such-device", "No such device")
                : new Refusal(Errno.ENODEV, "not-attached", $"{device} is attached to no namespace: No such device");
        }

        return BeginBind(target, personality, BindIntent.Enable).TryGet(out var step, out var refusal)
            ? new NamespaceChange(target, [step]) : refusal;
    }

    /// <summary>Writes a namespace's or personality's name to its driver's <c>unbind</c>. A personality stays attached.</summary>
    public Outcome<NamespaceChange> Unbind(string device)
    {
        var personality = FindPersonality(device);
        var target = personality?.Namespace ?? FindNamespace(device);
        if (target is not { IsEnabled: true } || target.Claim != personality)
        {
            return new Refusal(Errno.ENODEV, "not-bound", $"{device}: No such device");
        }

        target.State = NamespaceState.Disabled;
        if (personality is not null)
        {
            personality.Bound = null;
        }

        return new NamespaceChange(target, [new MediaStep.Unbind(target.Name)]);
    }

    private Outcome<MediaStep> BeginBind(PmemNamespace device, Personality? personality, BindIntent intent, bool autoRecover = true)
    {
        var region = device.Region;
        if (device.State == NamespaceState.Pending)
        {
            return Refuse.Pending(device);
        }

        if (device.Claim != personality)
        {
            return new Refusal(Errno.ENXIO, "namespace-claimed", $"{device.Name} is claimed by {device.Claim?.Name}: No such device or address");
        }

        if (device.IsEnabled)
        {
            return Refuse.Active(device);
        }

        if (MayNotBind(device, personality) is { } refusal)
        {
            return refusal;
        }

        int? nextNamespace = null;
        if (device.IsSeed && device.Kind == NamespaceKind.Pmem)
        {
            region.NamespaceSeed = region.AddNamespace(NamespaceKind.Pmem);
            nextNamespace = region.NamespaceSeed.Id;
        }

        int? nextPersonality = null;
        if (personality is { IsSeed: true })
        {
            var next = region.AddPersonality(personality.Kind);
            region.SetSeed(personality.Kind, next);
            nextPersonality = next.Id;
        }

        device.State = NamespaceState.Pending;
        device.Pending = new PendingBind(intent, personality?.Kind, personality?.Id ?? 0, nextNamespace, nextPersonality, autoRecover);
        return new MediaStep.Bind(new BindPlan
        {
            Namespace = device.Name,
            Start = new Spa(device.Start),
            Size = new Bytes(device.Size),
            ParentUuid = device.Uuid,
            ClaimClass = device.ClaimClass,
            LogicalBlockBytes = device.SectorSize == 0 ? 512 : device.SectorSize,
            ForceRaw = device.ForceRaw,
            ReadOnly = region.ReadOnly,
            SupportsPud = SupportsPud,
            Configured = personality is null ? null : new ConfiguredPersonality
            {
                Kind = personality.Kind,
                Uuid = personality.Uuid ?? Guid.Empty,
                Map = personality.Map,
                Align = personality.Kind == PersonalityKind.Btt ? null : personality.Align,
                SectorSize = personality.SectorSize,
            },
        });
    }

    private Refusal? MayNotBind(PmemNamespace device, Personality? personality)
    {
        var name = personality?.Name ?? device.Name;
        if (device.Region.Mappings.Any(m => m.Dimm.Locked))
        {
            return new Refusal(Errno.EACCES, "dimm-locked", $"{name}: Permission denied");
        }

        if (device.Size < Region.PageBytes)
        {
            return new Refusal(Errno.ENODEV, "namespace-too-small", $"nd_pmem {name}: 0x{device.Size:x16}, too small must be at least 0x1000")
                .With("size", device.Size).With("least", Region.PageBytes).Allowing(Nearest.Multiples(device.Size, device.Region.Align, 1, LargestSize(device)));
        }

        if (device.IsNativeMemory && personality is null && ((device.Start | device.Size) & (SubSectionBytes - 1)) != 0)
        {
            return new Refusal(Errno.EOPNOTSUPP, "sub-section-misaligned", $"{name}: misaligned to 0x{SubSectionBytes:x}")
                .With("start", device.Start).With("size", device.Size).With("align", SubSectionBytes);
        }

        if (device is { Kind: NamespaceKind.Pmem, Uuid: null })
        {
            return new Refusal(Errno.ENODEV, "uuid-not-set", $"{name}: uuid is not set: No such device");
        }

        if (personality is { Uuid: null } or { Kind: PersonalityKind.Btt, SectorSize: null })
        {
            return new Refusal(Errno.ENODEV, "personality-incomplete", $"{name}: uuid or sector size is not set: No such device");
        }

        foreach (var busy in BusyRanges)
        {
            if (busy.Start.Value < device.Start + device.Size && device.Start < busy.Start.Value + busy.Size.Value)
            {
                return new Refusal(
                    Errno.EBUSY, "range-busy",
                    $"{personality?.Driver ?? "nd_pmem"} {name}: could not reserve region [mem 0x{device.Start:x8}-0x{device.Start + device.Size - 1:x8}]")
                    .With("start", device.Start).With("size", device.Size).With("busyStart", busy.Start.Value).With("busySize", busy.Size.Value);
            }
        }

        return null;
    }

    private static Outcome<Done> Disable(PmemNamespace device, List<MediaStep> steps)
    {
        if (device.State == NamespaceState.Pending)
        {
            return Refuse.Pending(device);
        }

        if (device.Mounted)
        {
            return Refuse.Mounted(device);
        }

        if (device.IsEnabled)
        {
            steps.Add(new MediaStep.Unbind(device.Name));
            device.State = NamespaceState.Disabled;
        }

        // ndctl lets go of what holds the namespace also where that is not bound: what a create that failed left behind
        if (device.Claim is { } claim)
        {
            claim.Bound = null;
            Detach(claim);
        }

        return default(Done);
    }
}
