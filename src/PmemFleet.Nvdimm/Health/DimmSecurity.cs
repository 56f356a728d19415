using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Health;

/// <summary>A DIMM's security state (spec 60 section 11).</summary>
public enum SecurityState
{
    /// <summary>No passphrase.</summary>
    Disabled,

    /// <summary>A passphrase is set, and was given since power on.</summary>
    Unlocked,

    /// <summary>A passphrase is set and was not given: media and label area cannot be reached.</summary>
    Locked,

    /// <summary>The media is being overwritten.</summary>
    Overwrite,
}

/// <summary>What a security command does to the media.</summary>
public enum SecurityEffect
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>The data is lost, labels stay.</summary>
    EraseData,

    /// <summary>Data and labels are zeroed.</summary>
    OverwriteAll,
}

/// <summary>A DIMM after a security command.</summary>
/// <param name="Security">The DIMM's security.</param>
/// <param name="Effect">What happens to the media.</param>
public sealed record SecurityChange(DimmSecurity Security, SecurityEffect Effect);

/// <summary>A DIMM's security as a pure state machine; keys are the caller's key ids. Immutable.</summary>
public sealed record DimmSecurity
{
    /// <summary>The passphrase's key; null while security is disabled.</summary>
    public string? Key { get; init; }

    /// <summary>The master passphrase's key.</summary>
    public string? MasterKey { get; init; }

    /// <summary>The passphrase was not given since power on.</summary>
    public bool IsLocked { get; init; }

    /// <summary>No change until the next reset.</summary>
    public bool IsFrozen { get; init; }

    /// <summary>An overwrite runs.</summary>
    public bool IsOverwriting { get; init; }

    /// <summary>The state as its attribute shows it: overwrite, disabled, unlocked, locked, the first that is true.</summary>
    public SecurityState State =>
        IsOverwriting ? SecurityState.Overwrite
        : Key is null ? SecurityState.Disabled
        : IsLocked ? SecurityState.Locked
        : SecurityState.Unlocked;

    /// <summary>A command written to the <c>security</c> attribute.</summary>
    /// <param name="command">Such as <c>update 0 user:key</c>; key id 0 is no key.</param>
    /// <param name="isActive">The DIMM is used by an enabled region.</param>
    public Outcome<SecurityChange> Store(string command, bool isActive)
    {
        ArgumentNullException.ThrowIfNull(command);
        var words = command.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        if (IsOverwriting)
        {
            return new Refusal(Errno.EBUSY, "overwrite-running", "an overwrite is in progress");
        }

        return words switch
        {
            ["freeze"] => IsFrozen ? Wrong() : Change(this with { IsFrozen = true }),
            ["disable", var key] => Guarded(key, Key, () => this with { Key = null }),
            ["disable_master", var key] => Guarded(key, MasterKey, () => this with { Key = null }),
            ["update", var key, var next] => Guarded(key, Key, () => this with { Key = next }, mayBeUnset: true),
            ["master_update", var key, var next] => Guarded(key, MasterKey, () => this with { MasterKey = next }, mayBeUnset: true),
            ["erase", var key] => Destroy(key, Key, isActive, this with { Key = null }, SecurityEffect.EraseData),
            ["master_erase", var key] => Destroy(key, MasterKey, isActive, this with { Key = null }, SecurityEffect.EraseData),
            ["overwrite", var key] => Destroy(key, Key, isActive, this with { IsOverwriting = true }, SecurityEffect.OverwriteAll),
            _ => new Refusal(Errno.EINVAL, "security-command", "unknown security command or missing key").Allowing(
                "freeze", "disable KEY", "update KEY NEW", "erase KEY", "overwrite KEY", "disable_master KEY", "master_update KEY NEW", "master_erase KEY"),
        };
    }

    /// <summary>The passphrase is given, as the kernel does when the DIMM is probed.</summary>
    public Outcome<SecurityChange> Unlock(string key) =>
        IsFrozen || !IsLocked ? Wrong()
        : key == Key ? Change(this with { IsLocked = false })
        : NoKey();

    /// <summary>The overwrite is through: no passphrase is left.</summary>
    public DimmSecurity CompleteOverwrite() => this with { IsOverwriting = false, Key = null };

    /// <summary>A power cycle thaws, and locks where there is a passphrase.</summary>
    public DimmSecurity CyclePower() => this with { IsFrozen = false, IsLocked = Key is not null };

    /// <summary>EACCES for a locked DIMM: its label area cannot be read and no namespace on it can be bound.</summary>
    public Refusal? RefuseAccess() => State == SecurityState.Locked ? new Refusal(Errno.EACCES, "dimm-locked", "the DIMM is locked") : null;

    private static SecurityChange Change(DimmSecurity security) => new(security, SecurityEffect.None);

    private static Refusal Wrong() => new(Errno.EIO, "security-state", "the DIMM's security state does not allow it");

    private static Refusal NoKey() => new(Errno.ENOKEY, "security-key", "the key is not the DIMM's");

    private Outcome<SecurityChange> Guarded(string given, string? expected, Func<DimmSecurity> change, bool mayBeUnset = false)
    {
        if (IsFrozen || IsLocked || (expected is null && !mayBeUnset))
        {
            return Wrong();
        }

        return given == (expected ?? given) ? Change(change()) : NoKey();
    }

    private Outcome<SecurityChange> Destroy(string given, string? expected, bool isActive, DimmSecurity after, SecurityEffect effect)
    {
        if (isActive)
        {
            return new Refusal(Errno.EBUSY, "dimm-active", "the DIMM is active in a region");
        }

        if (IsFrozen || (IsLocked && effect == SecurityEffect.OverwriteAll))
        {
            return Wrong();
        }

        return given == (expected ?? "0") ? new SecurityChange(after with { IsLocked = false }, effect) : NoKey();
    }
}
