using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Btt;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Model;

/// <content>ndctl's commands that take a namespace away from its driver, work on its media, and give it back.</content>
public sealed partial class Bus
{
    /// <summary>
    /// ndctl clear-errors: the namespace is disabled, the known errors wholly inside its data are cleared, and it is enabled, also where
    /// it was disabled before. A namespace that is disabled has no personality: all of it is data then. A sector namespace is skipped: no
    /// steps.
    /// </summary>
    public Outcome<NamespaceChange> ClearErrors(string name)
    {
        if (FindNamespace(name) is not { } device)
        {
            return Refuse.NoDevice("namespace", name);
        }

        if (device.Claim is { Kind: PersonalityKind.Btt })
        {
            return new NamespaceChange(device, []);
        }

        // a personality that has not started has no range, and neither has a namespace of size 0
        var pages = device.Claim?.Bound as BindOutcome.Pages;
        if (device.Size == 0 || (device.Claim is not null && pages is null))
        {
            return new Refusal(Errno.ENXIO, "no-data-range", $"{device.Name} has no data range: No such device or address")
                .About("namespace");
        }

        var start = device.Start + (pages is null ? 0 : pages.StartPad.Value + pages.DataOffset.Value);
        var steps = new List<MediaStep>();
        if (Disable(device, steps).Refusal is { } busy)
        {
            return busy;
        }

        steps.Add(new MediaStep.ClearErrors(device.Name, new Spa(start), pages?.Size ?? new Bytes(device.Size)));
        return BeginBind(device, null, BindIntent.Enable).TryGet(out var bind, out var refusal)
            ? new NamespaceChange(device, [.. steps, bind])
            : new NamespaceChange(device, [.. steps]) { Refusal = refusal with { Errno = Errno.ENXIO } };
    }

    /// <summary>
    /// ndctl check-namespace: the namespace is disabled, bound raw, examined, and enabled again where it was enabled, whatever the check
    /// found. ndctl does not look at the mode: what has no BTT fails the check.
    /// </summary>
    public Outcome<NamespaceChange> CheckNamespace(string name, bool force, BttCheckOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (FindNamespace(name) is not { } device)
        {
            return Refuse.NoDevice("namespace", name);
        }

        if (options is { RewriteLog: true, Repair: false })
        {
            return new Refusal(Errno.EINVAL, "rewrite-log-needs-repair", "--rewrite-log also requires --repair").About("rewriteLog");
        }

        if (device.State == NamespaceState.Pending)
        {
            return Refuse.Pending(device);
        }

        var wasEnabled = device.IsEnabled;
        if (wasEnabled && !force)
        {
            return new Refusal(Errno.EBUSY, "namespace-online", $"{device.Name}: check aborted, namespace online").About("force");
        }

        var steps = new List<MediaStep>();
        if (wasEnabled && Disable(device, steps).Refusal is { } busy)
        {
            return busy;
        }

        if (device.Claim is { } claim)
        {
            // what did not start holds the namespace against the raw bind; ndctl's disable afterwards takes it off (golden n_bttdmg)
            Detach(claim);
            return new NamespaceChange(device, [.. steps]) { Refusal = NotRaw(device) };
        }

        if (MayNotBindRaw(device) is { } refusal)
        {
            return wasEnabled ? new NamespaceChange(device, [.. steps]) { Refusal = refusal } : refusal;
        }

        if (device.IsSeed && device.Kind == NamespaceKind.Pmem)
        {
            // the raw bind uses the seed up
            device.Region.NamespaceSeed = device.Region.AddNamespace(NamespaceKind.Pmem);
        }

        steps.Add(new MediaStep.CheckBtt(device.Name, new Spa(device.Start), new Bytes(device.Size), device.Uuid, options));

        // whether it can be enabled again is no part of the check's answer
        return wasEnabled && BeginBind(device, null, BindIntent.Enable).TryGet(out var bind, out _)
            ? new NamespaceChange(device, [.. steps, bind])
            : new NamespaceChange(device, [.. steps]);
    }

    private Refusal? MayNotBindRaw(PmemNamespace device)
    {
        var was = device.ForceRaw;
        device.ForceRaw = true;
        var refusal = MayNotBind(device, null);
        device.ForceRaw = was;
        return refusal is null ? null : NotRaw(device) with
        {
            Numbers = refusal.Numbers.SetItem("bindRule", refusal.Rule).SetItem("bindMessage", refusal.Message),
        };
    }

    private static Refusal NotRaw(PmemNamespace device) =>
        new(Errno.ENXIO, "no-raw-bind", $"{device.Name}: failed to enable in raw mode: No such device or address (-6)");
}
