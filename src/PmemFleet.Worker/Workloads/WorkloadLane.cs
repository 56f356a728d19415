using PmemFleet.Contracts.Sync;
using PmemFleet.DeviceDax.Workloads;
using PmemFleet.Worker.Hosts;
using PmemFleet.Worker.Media;
using PmemFleet.Worker.Tasks;

namespace PmemFleet.Worker.Workloads;

/// <summary>
/// Runs workloads: two at a time on the whole worker, each on a thread of its own at low priority with at most half of the cores, so that syncs
/// and the hosts' other tasks go on. A workload runs on copies of the host's devices, never on the host itself.
/// </summary>
internal sealed class WorkloadLane : ILongStep, IDisposable
{
    private const int AtOnce = 2;

    private readonly SemaphoreSlim _slots = new(AtOnce);

    public bool Runs(LongStep step) => step is RunWorkloadStep;

    public LongWork Begin(LiveHost host, LongStep step, LongTask task)
    {
        var run = (RunWorkloadStep)step;
        foreach (var wanted in run.Devices)
        {
            if (host.Machine?.FindDevice(wanted.Name) is not { IsAlive: true } device || !IsSame(device, wanted))
            {
                return new StepRefused
                {
                    Refusal = Refusals.Of("ENXIO", "device-disabled", $"{wanted.Name} is not enabled, or not as it was when the workload was accepted."),
                };
            }
        }

        task.EndsWithPower = run.Devices.Count > 0;
        task.Namespaces = [.. run.Devices.Select(device => device.Namespace)];
        return (Func<Task<StepResult>>)(() => RunAsync(run, task));
    }

    public void Dispose() => _slots.Dispose();

    private static bool IsSame(DeviceDax.Devices.DaxDevice device, WorkloadDeviceOfHost wanted) =>
        device.Size.Value == (ulong)wanted.Size && device.Align.Value == (ulong)wanted.Align && device.Extents[0].Range.Start.Value == (ulong)wanted.Start;

    private async Task<StepResult> RunAsync(RunWorkloadStep step, LongTask task)
    {
        await _slots.WaitAsync(task.Stopped);
        try
        {
            return await Task.Factory.StartNew(() => Run(step, task), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }
        finally
        {
            _slots.Release();
        }
    }

    private static StepResult Run(RunWorkloadStep step, LongTask task)
    {
        Libc.LowerPriorityOfThisThread();
        var spec = WorkloadSpecText.Read(step.Spec);
        var progress = new Progress(task);
        var threads = Math.Max(1, Environment.ProcessorCount / 2);
        return WorkloadRunner.Run(spec, threads, progress, task.Stopped).TryGet(out var result, out var refusal)
            ? WorkloadResults.ToStep(result)
            : new StepRefused { Refusal = refusal.ToDto() };
    }

    /// <summary>Not <see cref="Progress{T}"/>, which would hand each report to the thread pool.</summary>
    private sealed class Progress(LongTask task) : IProgress<WorkloadProgress>
    {
        public void Report(WorkloadProgress value) => task.Report(value.AccessesTotal == 0 ? 0 : (double)value.AccessesDone / value.AccessesTotal);
    }
}
