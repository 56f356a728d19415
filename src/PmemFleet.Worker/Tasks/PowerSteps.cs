using PmemFleet.Contracts.Sync;
using PmemFleet.Worker.Hosts;
using PmemFleet.Worker.Media;

namespace PmemFleet.Worker.Tasks;

/// <summary>Power of a host.</summary>
internal static class PowerSteps
{
    /// <summary>An unsafe shutdown is counted once a boot task, also when the task is executed again after a crash.</summary>
    public static StepResult Boot(LiveHost host, WorkerTask task, BootStep step)
    {
        var counted = Path.Combine(host.Store.Folder, "boot.task");
        if (step.UnsafeShutdown && DurableFile.Read(counted)?.AsSpan().SequenceEqual(task.TaskId.ToByteArray()) != true)
        {
            foreach (var dimm in host.Memory.Dimms)
            {
                dimm.CountDirtyShutdown();
            }

            DurableFile.Replace(counted, task.TaskId.ToByteArray());
        }

        host.Boot();
        return new StepDone();
    }

    public static StepResult Shutdown(LiveHost host)
    {
        foreach (var dimm in host.Memory.Dimms)
        {
            dimm.Flush();
        }

        host.Shutdown();
        return new StepDone();
    }
}
