using System.Text;
using PmemFleet.Contracts.Sync;
using PmemFleet.Worker.Hosts;
using PmemFleet.Worker.Media;
using PmemFleet.Worker.Tasks;
using PmemFleet.Worker.Tests.Media;
using PmemFleet.Worker.Tests.Support;

namespace PmemFleet.Worker.Tests.Tasks;

/// <summary>An unsafe shutdown is counted once on each DIMM, wherever a crash cuts the counting short.</summary>
public sealed class PowerStepTests
{
    private static readonly BootStep Unsafe = new() { UnsafeShutdown = true };

    [Fact]
    [Trait("Row", "32")]
    public void Drop_WithoutTheGate_IsABugAndChangesNothing()
    {
        using var folder = new MediaFolder();
        using var host = Open(folder, Guid.CreateVersion7(), TestLayout.New(), 1);

        Assert.Throws<InvalidOperationException>(host.Drop);
        Assert.False(host.IsDropped);

        host.Gate.Wait();
        host.Drop();
        Assert.True(host.IsDropped);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(4)]
    public void Boot_CutShortAfterSomeDimms_CountsTheOthersOnly(int counted)
    {
        using var folder = new MediaFolder();
        var (id, layout, task) = (Guid.CreateVersion7(), TestLayout.New(), NewTask());
        using (var first = Open(folder, id, layout, 1))
        {
            PowerSteps.Boot(first, NewTask(), Unsafe);
            DurableFile.Replace(
                Path.Combine(first.Store.Folder, "boot.task"),
                Encoding.ASCII.GetBytes(string.Join('\n', [$"{task.TaskId:N}", .. layout.Dimms.Select(dimm => $"{dimm.DimmId:N} 2")])));
            foreach (var dimm in layout.Dimms.Take(counted))
            {
                first.Memory.FindDimm(dimm.DimmId)!.SetDirtyShutdownCount(2);
            }
        }

        using var next = Open(folder, id, layout, 2);
        PowerSteps.Boot(next, task, Unsafe);
        PowerSteps.Boot(next, task, Unsafe);

        Assert.All(next.Memory.Dimms, dimm => Assert.Equal(2, dimm.DirtyShutdownCount));
    }

    [Fact]
    public void Boot_OfAnotherTask_CountsAnew()
    {
        using var folder = new MediaFolder();
        using var host = Open(folder, Guid.CreateVersion7(), TestLayout.New(), 1);

        PowerSteps.Boot(host, NewTask(), Unsafe);
        PowerSteps.Boot(host, NewTask(), Unsafe);
        PowerSteps.Boot(host, NewTask(), new BootStep { UnsafeShutdown = false });

        Assert.All(host.Memory.Dimms, dimm => Assert.Equal(2, dimm.DirtyShutdownCount));
    }

    private static LiveHost Open(MediaFolder folder, Guid id, HostLayout layout, long epoch) => new(HostStore.TryOpen(folder.Path, id, epoch)!, layout, 1);

    private static WorkerTask NewTask() => new() { TaskId = Guid.CreateVersion7(), Sequence = 1, Kind = "boot", Steps = [Unsafe] };
}
