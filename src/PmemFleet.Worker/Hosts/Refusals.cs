using PmemFleet.Contracts.Problems;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Worker.Hosts;

/// <summary>Refusals of the libraries and of the worker itself, in the wire's form.</summary>
internal static class Refusals
{
    public static RefusalDto ToDto(this Refusal refusal) => new()
    {
        Errno = refusal.Errno.ToString(),
        Code = refusal.Rule,
        Message = refusal.Message,
        Numbers = refusal.Numbers.Count > 0 ? refusal.Numbers : null,
        Allowed = refusal.Allowed.Length > 0 ? refusal.Allowed : null,
        Subject = refusal.Subject,
    };

    public static RefusalDto ToDto(this DeviceDax.Primitives.Refusal refusal) => new()
    {
        Errno = refusal.Errno.ToString(),
        Code = refusal.Rule,
        Message = refusal.KernelMessage ?? refusal.Message,
        Numbers = refusal.Numbers.Count > 0 ? refusal.Numbers : null,
        Allowed = refusal.Allowed.Length > 0 ? refusal.Allowed : null,
        Subject = refusal.Subject,
    };

    public static RefusalDto Of(string errno, string code, string message, params (string Name, long Value)[] numbers) => new()
    {
        Errno = errno,
        Code = code,
        Message = message,
        Numbers = numbers.Length == 0 ? null : numbers.ToDictionary(n => n.Name, n => n.Value.ToString(System.Globalization.CultureInfo.InvariantCulture)),
    };

    public static RefusalDto NotFound(string what) => Of("ENOENT", "not-found", $"There is no {what}.");
}
