using PmemFleet.Nvdimm.Health;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Tests.Health;

/// <summary>Security states of a DIMM (spec 60 section 11).</summary>
public sealed class DimmSecurityTests
{
    private static readonly DimmSecurity Unlocked = new() { Key = "7" };
    private static readonly DimmSecurity Locked = Unlocked.CyclePower();

    [Fact]
    public void Lifecycle_SetupCycleUnlockDisable_PassesThroughTheStates()
    {
        var security = new DimmSecurity();
        Assert.Equal(SecurityState.Disabled, security.State);
        security = security.Store("update 0 7", isActive: true).Value.Security;
        Assert.Equal(SecurityState.Unlocked, security.State);
        security = security.CyclePower();
        Assert.Equal(SecurityState.Locked, security.State);
        Assert.Equal(Errno.EACCES, security.RefuseAccess()?.Errno);
        Assert.Equal(Errno.ENOKEY, security.Unlock("8").Refusal?.Errno);
        security = security.Unlock("7").Value.Security;
        Assert.Null(security.RefuseAccess());
        security = security.Store("disable 7", isActive: true).Value.Security;
        Assert.Equal(SecurityState.Disabled, security.State);
        Assert.Equal(SecurityState.Disabled, security.CyclePower().State);
    }

    [Theory]
    [InlineData("disable 8", false, Errno.ENOKEY)]
    [InlineData("disable 7", true, null)]
    [InlineData("update 7 9", true, null)]
    [InlineData("update 8 9", true, Errno.ENOKEY)]
    [InlineData("update 7", true, Errno.EINVAL)]
    [InlineData("erase 7", false, null)]
    [InlineData("erase 7", true, Errno.EBUSY)]
    [InlineData("overwrite 7", true, Errno.EBUSY)]
    [InlineData("overwrite 7", false, null)]
    [InlineData("frob", false, Errno.EINVAL)]
    [InlineData("", false, Errno.EINVAL)]
    public void Store_OnUnlocked_IsDoneOrRefused(string command, bool active, Errno? errno) =>
        Assert.Equal(errno, Unlocked.Store(command, active).Refusal?.Errno);

    [Fact]
    public void Store_Frozen_RefusesEveryChangeUntilReset()
    {
        var frozen = Unlocked.Store("freeze", isActive: true).Value.Security;

        Assert.All((string[])["disable 7", "update 7 8", "erase 7", "overwrite 7", "freeze"], command => Assert.Equal(Errno.EIO, frozen.Store(command, isActive: false).Refusal?.Errno));
        Assert.False(frozen.CyclePower().IsFrozen);
    }

    [Fact]
    public void Store_Locked_RefusesChanges() =>
        Assert.All((string[])["disable 7", "update 7 8", "overwrite 7"], command => Assert.Equal(Errno.EIO, Locked.Store(command, isActive: false).Refusal?.Errno));

    [Fact]
    public void Store_Overwrite_IsBusyUntilDone()
    {
        var change = Unlocked.Store("overwrite 7", isActive: false).Value;

        Assert.Equal((SecurityState.Overwrite, SecurityEffect.OverwriteAll), (change.Security.State, change.Effect));
        Assert.Equal(Errno.EBUSY, change.Security.Store("disable 7", isActive: false).Refusal?.Errno);
        Assert.Equal(SecurityState.Disabled, change.Security.CompleteOverwrite().State);
        Assert.Equal(SecurityEffect.EraseData, Unlocked.Store("erase 7", isActive: false).Value.Effect);
    }
}
