using PmemFleet.Contracts.Sync;
using PmemFleet.Worker.Media;

namespace PmemFleet.Worker.Tests.Media;

/// <summary>The media pool's own fencing, and results that outlive the worker that made them.</summary>
public sealed class HostStoreTests
{
    private static readonly Guid Host = Guid.Parse("01a20000-0000-7000-8000-000000000001");
    private static readonly Guid Task = Guid.Parse("01a20000-0000-7000-8000-000000000002");

    [Fact]
    public void TryOpen_OlderEpoch_IsFenced()
    {
        using var folder = new MediaFolder();
        Assert.NotNull(HostStore.TryOpen(folder.Path, Host, 5));

        Assert.Null(HostStore.TryOpen(folder.Path, Host, 4));
    }

    [Fact]
    public void IsCurrent_AfterANewerEpochOpened_IsFalse()
    {
        using var folder = new MediaFolder();
        var old = HostStore.TryOpen(folder.Path, Host, 5)!;
        Assert.True(old.IsCurrent);

        Assert.NotNull(HostStore.TryOpen(folder.Path, Host, 6));

        Assert.False(old.IsCurrent);
    }

    [Fact]
    public void Result_OfAFormerEpoch_IsFoundButNotReportedAsThisOnes()
    {
        using var folder = new MediaFolder();
        HostStore.TryOpen(folder.Path, Host, 5)!.Keep(Result(5));

        var next = HostStore.TryOpen(folder.Path, Host, 6)!;

        Assert.Empty(next.Results);
        Assert.NotNull(next.FindFormer(Task));
        next.Keep(Result(6));
        next.Forget(Task);
        Assert.Empty(HostStore.TryOpen(folder.Path, Host, 6)!.Results);
    }

    [Fact]
    public void Result_NotAcknowledged_IsThereAfterARestart()
    {
        using var folder = new MediaFolder();
        HostStore.TryOpen(folder.Path, Host, 5)!.Keep(Result(5));

        Assert.Equal(Task, Assert.Single(HostStore.TryOpen(folder.Path, Host, 5)!.Results).TaskId);
    }

    private static TaskResult Result(long epoch) => new() { TaskId = Task, HostId = Host, Epoch = epoch, Steps = [new StepDone()] };
}
