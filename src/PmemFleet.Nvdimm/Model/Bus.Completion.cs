using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Model;

/// <content>What becomes of a planned bind.</content>
public sealed partial class Bus
{
    /// <summary>Takes the outcome of a namespace's planned bind.</summary>
    /// <param name="name">The namespace.</param>
    /// <param name="outcome">What the worker found or made.</param>
    /// <returns>The namespace, enabled; or the failure, after which a create has been undone.</returns>
    public Outcome<PmemNamespace> Complete(string name, BindOutcome outcome)
    {
        if (FindNamespace(name) is not { } device)
        {
            return Refuse.NoDevice("namespace", name);
        }

        if (device.Pending is not { } pending)
        {
            return new Refusal(Errno.EINVAL, "no-bind-pending", $"{device.Name} awaits no outcome");
        }

        device.Pending = null;
        if (outcome is BindOutcome.Failed failed)
        {
            return Fail(device, pending, failed);
        }

        device.State = NamespaceState.Enabled;
        switch (outcome)
        {
            case BindOutcome.Btt btt:
                var translation = Claim(device, pending, PersonalityKind.Btt);
                (translation.Uuid, translation.SectorSize, translation.Bound) = (btt.Uuid, btt.SectorSize, btt);
                break;
            case BindOutcome.Pages pages:
                var mapped = Claim(device, pending, pages.Kind);
                (mapped.Uuid, mapped.Map, mapped.Align, mapped.Bound) = (pages.Uuid, pages.Map, pages.Align, pages);
                break;
        }

        return device;
    }

    private static Personality Claim(PmemNamespace device, PendingBind pending, PersonalityKind kind)
    {
        var personality = pending.Personality == kind ? device.Region.FindPersonality(kind, pending.PersonalityId) : null;
        personality ??= device.Region.AddPersonality(kind);
        personality.Namespace = device;
        device.Claim = personality;
        return personality;
    }

    private static Refusal Fail(PmemNamespace device, PendingBind pending, BindOutcome.Failed failed)
    {
        var cause = failed.Refusal;
        device.State = NamespaceState.Disabled;
        var recovers = pending is { AutoRecover: true, Intent: not BindIntent.Enable } && (device.Claim?.Kind ?? failed.Claimed) is not PersonalityKind.Btt;
        // ndctl's recovery binds the namespace raw once more, which uses its seed up for good; not where the driver's error was EINVAL (golden y_defaults)
        TakeSeedsBack(
            device, pending, keepsNamespaceSeed: recovers && device.Claim is not null && pending.Intent == BindIntent.Create && cause.Errno == Errno.ENXIO);
        if (!recovers && device.Claim is null && failed.Claim is { } found)
        {
            // what its info block says holds the namespace, started or not (golden f_btt_flog_*, f_btt_info_nfree, l_pfn_minor0)
            var holder = Claim(device, pending, found.Kind);
            (holder.Uuid, holder.Map, holder.SectorSize) = (found.Uuid, found.Map, found.SectorSize);
            holder.Align = found.Align ?? holder.Align;
        }

        if (pending.Intent == BindIntent.Enable)
        {
            // ndctl enable-namespace ends with ENXIO whatever the driver's errno was
            return cause.Exits(Errno.ENXIO);
        }

        // a PFN or DAX is detached again; a BTT keeps its claim, which then also keeps the namespace (golden b_raw_sector)
        if (recovers && device.Claim is { } claim)
        {
            Detach(claim);
        }

        if (recovers && pending.Intent == BindIntent.Create)
        {
            Recover(device);
        }

        var refusal = new Refusal(Errno.ENXIO, cause.Rule, $"{device.Name}: failed to enable")
        {
            Numbers = cause.Numbers.SetItem("bindErrno", $"{(int)cause.Errno}").SetItem("bindMessage", cause.Message),
            Allowed = cause.Allowed,
            Subject = cause.Subject,
        }.Exits(pending.Intent == BindIntent.Create ? Errno.ENODEV : Errno.ENXIO);
        return pending.Intent == BindIntent.Create ? refusal : AfterReconfigure(device, refusal);

        void TakeSeedsBack(PmemNamespace device, PendingBind pending, bool keepsNamespaceSeed)
        {
            // a probe that ends with EOPNOTSUPP uses the seeds up as one that succeeds: the kernel makes the next ones (golden n_seed)
            if (failed.Refusal.Errno == Errno.EOPNOTSUPP)
            {
                return;
            }

            var region = device.Region;
            if (!keepsNamespaceSeed && pending.NextNamespaceSeed is { } next
                && region.NamespaceSeed is { Uuid: null, Size: 0, AltName: "", Pending: null, Claim: null } seed && seed.Id == next)
            {
                region.NamespaceTable.Remove(next);
                region.NamespaceSeed = device;
            }

            if (pending is { Personality: { } kind, NextPersonalitySeed: { } nextPersonality }
                && region.Seed(kind) is { Namespace: null, Uuid: null } idle && idle.Id == nextPersonality)
            {
                region.RemovePersonality(idle);
                region.SetSeed(kind, region.FindPersonality(kind, pending.PersonalityId));
            }
        }
    }
}
