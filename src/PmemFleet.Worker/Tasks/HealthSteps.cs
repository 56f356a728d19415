using PmemFleet.Contracts.Health;
using PmemFleet.Contracts.Sync;
using PmemFleet.Nvdimm.Health;
using PmemFleet.Nvdimm.Primitives;
using PmemFleet.Worker.Hosts;
using PmemFleet.Worker.Media.Errors;

namespace PmemFleet.Worker.Tasks;

/// <summary>Health, security and firmware of a DIMM (spec 60 sections 10 and 11).</summary>
internal static class HealthSteps
{
    /// <summary>An unsafe shutdown is counted once a task, also when a crash cuts the task short.</summary>
    public static StepResult Inject(LiveHost host, WorkerTask task, InjectSmartStep step)
    {
        if (host.Memory.FindDimm(step.DimmId) is not { } dimm)
        {
            return Missing();
        }

        if (dimm.Attributes.InjectedBy == task.TaskId)
        {
            return new StepDone();
        }

        var request = step.Request;
        var before = DimmObserving.SmartOf(dimm.Layout, dimm.Attributes, dimm.Poison);
        if (!before.Inject(ToOptions(request)).TryGet(out var after, out var refusal))
        {
            return new StepRefused { Refusal = refusal.ToDto() };
        }

        host.Memory.Change(dimm, dimm.Attributes with
        {
            InjectedBy = task.TaskId,
            DirtyShutdownCount = after.Own.ShutdownCount,
            MediaTemperature = after.InjectedMediaTemperature,
            Spares = after.InjectedSpares,
            IsFatal = after.IsFatalInjected,
            IsUnsafeShutdownInjected = after.IsUnsafeShutdownInjected,
            Thresholds = after.Thresholds,
            ClearLimit = request.ClearErrorLimit is { } limit ? (limit.Value == 0 ? null : limit.Value) : request.UninjectAll ? null : dimm.Attributes.ClearLimit,
            ClearErrno = request.ClearErrorErrno is { } name ? (name == "none" ? null : (int)Enum.Parse<Errno>(name)) : request.UninjectAll ? null : dimm.Attributes.ClearErrno,
        });
        return new StepDone();
    }

    public static StepResult Secure(LiveHost host, SecurityStep step)
    {
        if (host.Memory.FindDimm(step.DimmId) is not { } dimm)
        {
            return Missing();
        }

        var words = step.Command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var change = words is ["unlock", var key] ? dimm.Attributes.Security.Unlock(key) : dimm.Attributes.Security.Store(step.Command, step.IsActive);
        if (!change.TryGet(out var done, out var refusal))
        {
            return new StepRefused { Refusal = refusal.ToDto() };
        }

        if (done.Effect != SecurityEffect.None)
        {
            dimm.Wipe();
            host.Memory.NoteChanged(dimm);
        }

        // an overwrite takes no time here: the media is zeroes already
        host.Memory.Change(dimm, dimm.Attributes with { Security = done.Security.IsOverwriting ? done.Security.CompleteOverwrite() : done.Security });
        return new StepDone();
    }

    public static StepResult Update(LiveHost host, FirmwareStep step)
    {
        if (host.Memory.FindDimm(step.DimmId) is not { } dimm)
        {
            return Missing();
        }

        var attributes = dimm.Attributes;
        var next = step.Request.Version ?? attributes.NextFirmware;
        var isArmed = step.Request.Arm ?? (step.Request.Version is not null || attributes.IsFirmwareArmed);
        if (next is null)
        {
            return new StepRefused { Refusal = Refusals.Of("EINVAL", "no-firmware", "There is no firmware that waits for its activation.") with { Subject = "version" } };
        }

        if (step.Request.Activate && (step.IsActive || !isArmed))
        {
            return new StepRefused
            {
                Refusal = step.IsActive
                    ? Refusals.Of("EBUSY", "dimm-not-quiet", "A namespace over the DIMM is enabled: activation needs quiet, or a power cycle.")
                    : Refusals.Of("EINVAL", "firmware-not-armed", "The activation is not armed.") with { Subject = "arm" },
            };
        }

        host.Memory.Change(dimm, step.Request.Activate
            ? attributes with { Firmware = next, NextFirmware = null, IsFirmwareArmed = false }
            : attributes with { NextFirmware = next, IsFirmwareArmed = isArmed });
        return new StepDone();
    }

    private static InjectSmartOptions ToOptions(InjectSmartRequest request) => new()
    {
        MediaTemperature = request.MediaTemperature,
        UninjectMediaTemperature = request.MediaTemperatureUninject,
        ControllerTemperature = request.ControllerTemperature,
        Spares = (byte?)request.Spares,
        UninjectSpares = request.SparesUninject,
        Fatal = request.Fatal,
        UninjectFatal = request.FatalUninject,
        UnsafeShutdown = request.UnsafeShutdown,
        UninjectUnsafeShutdown = request.UnsafeShutdownUninject,
        UninjectAll = request.UninjectAll,
        MediaTemperatureThreshold = request.MediaTemperatureThreshold,
        ControllerTemperatureThreshold = request.ControllerTemperatureThreshold,
        SparesThreshold = (byte?)request.SparesThreshold,
        MediaTemperatureAlarm = request.MediaTemperatureAlarm,
        ControllerTemperatureAlarm = request.ControllerTemperatureAlarm,
        SparesAlarm = request.SparesAlarm,
    };

    private static StepRefused Missing() => new() { Refusal = Refusals.NotFound("such DIMM") };
}
