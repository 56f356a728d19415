using System.Globalization;
using PmemFleet.Contracts.Problems;

namespace PmemFleet.Api.Problems;

/// <summary>Refusals of the wire's own rules: a member that has no meaning to the model, or a value that no device could have.</summary>
public static class Refusals
{
    /// <summary>EINVAL about one member of the body; <paramref name="subject"/> is its JSON pointer without the first slash.</summary>
    public static RefusalDto Invalid(string code, string subject, string message, params IReadOnlyList<string> allowed) => new()
    {
        Errno = "EINVAL",
        Code = code,
        Message = message,
        Subject = subject,
        Allowed = allowed.Count == 0 ? null : allowed,
    };

    /// <summary>The same refusal with the number that was compared.</summary>
    public static RefusalDto With(this RefusalDto refusal, string name, long value) => refusal with
    {
        Numbers = new Dictionary<string, string>(refusal.Numbers ?? new Dictionary<string, string>())
        {
            [name] = value.ToString(CultureInfo.InvariantCulture),
        },
    };

    public static RefusalDto Busy(string code, string message) => new() { Errno = "EBUSY", Code = code, Message = message };
}
