using System.Globalization;
using System.Text;
using PmemFleet.Contracts.Sync;
using PmemFleet.Worker.Hosts;
using PmemFleet.Worker.Media;
using PmemFleet.Worker.Media.Errors;

namespace PmemFleet.Worker.Tasks;

/// <summary>Power of a host.</summary>
internal static class PowerSteps
{
    /// <summary>
    /// An unsafe shutdown is counted once a boot task on each DIMM, also when a crash cuts the counting short: what each count will be is on the
    /// disk before the first is changed.
    /// </summary>
    public static StepResult Boot(LiveHost host, WorkerTask task, BootStep step)
    {
        if (step.UnsafeShutdown)
        {
            CountUnsafeShutdown(host, task.TaskId);
        }

        EndLongTasks(host);
        foreach (var dimm in host.Memory.Dimms)
        {
            host.Memory.Change(dimm, AfterPowerCycle(dimm.Attributes) with { IsShutdownDirty = step.UnsafeShutdown });
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

        EndLongTasks(host);
        host.Shutdown();
        return new StepDone();
    }

    private static void EndLongTasks(LiveHost host) => host.EndLongTasks(
        task => task.EndsWithPower, Refusals.Of("EHOSTDOWN", "host-power-lost", "The host went down or was booted while this ran on it."));

    /// <summary>Security locks and thaws, armed firmware runs, and an injected shutdown state is over (spec 60 sections 10 and 11).</summary>
    private static DimmAttributes AfterPowerCycle(DimmAttributes before) => before with
    {
        IsUnsafeShutdownInjected = false,
        Security = before.Security.CyclePower(),
        Firmware = before.IsFirmwareArmed && before.NextFirmware is { } next ? next : before.Firmware,
        NextFirmware = before.IsFirmwareArmed ? null : before.NextFirmware,
        IsFirmwareArmed = false,
    };

    private static void CountUnsafeShutdown(LiveHost host, Guid taskId)
    {
        var path = Path.Combine(host.Store.Folder, "boot.task");
        if (ReadCounts(path, taskId) is not { } counts)
        {
            host.Store.Fence.Demand();
            counts = host.Memory.Dimms.ToDictionary(dimm => dimm.Layout.DimmId, dimm => dimm.DirtyShutdownCount + 1);
            DurableFile.Replace(path, Encoding.ASCII.GetBytes(string.Join('\n', [$"{taskId:N}", .. counts.Select(count => string.Create(CultureInfo.InvariantCulture, $"{count.Key:N} {count.Value}"))])));
        }

        foreach (var dimm in host.Memory.Dimms.Where(dimm => counts.ContainsKey(dimm.Layout.DimmId)))
        {
            dimm.SetDirtyShutdownCount(Math.Max(dimm.DirtyShutdownCount, counts[dimm.Layout.DimmId]));
        }
    }

    /// <summary>What a former execution of the task wrote down; null where there was none.</summary>
    private static Dictionary<Guid, long>? ReadCounts(string path, Guid taskId)
    {
        if (DurableFile.Read(path) is not { } bytes || Encoding.ASCII.GetString(bytes).Split('\n') is not [var task, .. var lines] || task != $"{taskId:N}")
        {
            return null;
        }

        return lines.Select(line => line.Split(' ')).ToDictionary(words => Guid.ParseExact(words[0], "N"), words => long.Parse(words[1], CultureInfo.InvariantCulture));
    }
}
