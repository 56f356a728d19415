using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Model;

/// <content>The steps that a create and a reconfiguration share, in ndctl's order (spec 20 section 9).</content>
public sealed partial class Bus
{
    private Outcome<NamespaceChange> SetUp(
        PmemNamespace device, NamespaceRequest request, NamespaceOptions options, BindIntent intent, List<MediaStep> steps)
    {
        var began = Configure(device, request, options, intent);
        if (began.TryGet(out var step, out var refusal))
        {
            steps.Add(step);
            return new NamespaceChange(device, [.. steps]);
        }

        if (intent == BindIntent.Create && options.AutoRecover)
        {
            Recover(device);
        }

        // a create that failed is undone; a reconfigure leaves what it has done, on the media and in the labels (golden n_chain, x_7007)
        return intent == BindIntent.Create && steps.Count == 0
            ? refusal
            : new NamespaceChange(device, [.. steps]) { Refusal = AfterReconfigure(device, refusal) };
    }

    /// <summary>The refusal of a reconfigure that had begun, with what the namespace is now.</summary>
    private static Refusal AfterReconfigure(PmemNamespace device, Refusal refusal) => refusal with
    {
        Numbers = refusal.Numbers
            .SetItem("namespaceState", device.IsEnabled ? "enabled" : "disabled")
            .SetItem("namespaceMode", NamespaceModes.Text(NamespaceModes.Of(device)))
            .SetItem("namespaceSize", $"{device.Size}")
            .SetItem("namespaceUuid", $"{device.Uuid ?? Guid.Empty:D}"),
    };

    /// <summary>What ndctl does after a create that failed: the class cleared, the namespace deleted, as far as nothing holds it.</summary>
    private static void Recover(PmemNamespace device)
    {
        if (!device.IsHeld)
        {
            device.ClaimClass = ClaimClass.None;
            UpdateLabels(device);
            SetSize(device, 0);
        }
    }

    private Outcome<MediaStep> Configure(PmemNamespace device, NamespaceRequest request, NamespaceOptions options, BindIntent intent)
    {
        var region = device.Region;
        if (device.Kind == NamespaceKind.Pmem)
        {
            if (SetUuid(device.Name, options.Uuid).Refusal is { } uuid)
            {
                return Named(uuid, device, "set_uuid");
            }

            if (SetAltName(device.Name, request.Name).Refusal is { } altName)
            {
                return Named(altName, device, "set_alt_name");
            }

            // ndctl refuses a size of 0 by itself
            if (request.Size == 0)
            {
                return Named(new Refusal(Errno.EINVAL, "size-zero", "Invalid argument").About("size")
                    .With("size", 0).With("align", region.Align).Allowing(Nearest.Multiples(0, region.Align, 1, LargestSize(device))), device, "set_size");
            }

            if (SetSize(device, request.Size).Refusal is { } size)
            {
                return Named(size, device, "set_size");
            }

            // a BTT's odd sector sizes are no namespace's: the label keeps what it had
            if (request.SectorSize is 512 or 4096 && SetSectorSize(device.Name, request.SectorSize).Refusal is { } sector)
            {
                return Named(sector, device, "set_sector_size");
            }
        }

        SetHolderClass(device.Name, request.Mode switch
        {
            NamespaceMode.Sector => "btt",
            NamespaceMode.Fsdax => "pfn",
            NamespaceMode.Devdax => "dax",
            _ => "",
        });
        if (NamespaceModes.Personality(request.Mode) is not { } kind || StaysNative(device, request))
        {
            return BeginBind(device, null, intent, options.AutoRecover);
        }

        if (kind != PersonalityKind.Btt && device.Start % Region.DefaultAlign != 0 && !options.Force)
        {
            return new Refusal(Errno.EINVAL, "start-misaligned", $"{device.Name} misaligned to 16M, adjust region alignment and retry")
                .With("start", device.Start).With("align", Region.DefaultAlign).Allowing(Nearest.Multiples(device.Start, Region.DefaultAlign))
                .Exits(intent == BindIntent.Create ? Errno.ENODEV : Errno.EINVAL);
        }

        var personality = region.Seed(kind)!;
        personality.Uuid = options.PersonalityUuid;
        personality.SectorSize = kind == PersonalityKind.Btt ? new Bytes(request.SectorSize) : null;
        if (kind != PersonalityKind.Btt)
        {
            // the alignment may be the one of a block that the driver took and the attribute does not; uuid and map stay on the seed then (golden n_pfn1)
            personality.Map = request.Map;
            if (SetPersonalityAlign(personality.Name, request.Align).Refusal is { } align)
            {
                return align with { Message = $"create namespace: {personality.Name}: set_align failed: Invalid argument" };
            }
        }

        if (Attach(personality, device).Refusal is { } attached)
        {
            Detach(personality);
            return Named(attached, device, "set_namespace");
        }

        if (BeginBind(device, personality, intent, options.AutoRecover).TryGet(out var step, out var refusal))
        {
            return step;
        }

        if (kind != PersonalityKind.Btt)
        {
            Detach(personality);
        }

        return new Refusal(Errno.ENXIO, refusal.Rule, $"{device.Name}: failed to enable")
        {
            Numbers = refusal.Numbers.SetItem("bindErrno", $"{(int)refusal.Errno}").SetItem("bindMessage", refusal.Message),
            Allowed = refusal.Allowed,
            Subject = refusal.Subject,
        };
    }

    /// <summary>fsdax with its page map in memory needs no PFN where pages are memory already.</summary>
    private static bool StaysNative(PmemNamespace device, NamespaceRequest request) =>
        request is { Mode: NamespaceMode.Fsdax, Map: MapLocation.Ram } && device is { IsNativeMemory: true, Kind: NamespaceKind.Io };

    private static Refusal Named(Refusal refusal, PmemNamespace device, string step) =>
        refusal with { Message = $"create namespace: {device.Name}: {step} failed: {refusal.Message[(refusal.Message.LastIndexOf(": ", StringComparison.Ordinal) is var at && at >= 0 ? at + 2 : 0)..]}" };
}
