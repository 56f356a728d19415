using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Btt;

/// <summary>What <c>ndctl check-namespace</c> is asked for.</summary>
public sealed record BttCheckOptions
{
    /// <summary>Repair what can be repaired.</summary>
    public bool Repair { get; init; }

    /// <summary>Rewrite the log; needs <see cref="Repair"/>.</summary>
    public bool RewriteLog { get; init; }
}

/// <summary>What a check found.</summary>
/// <param name="Consistent">Nothing is left to repair.</param>
/// <param name="Messages">What was found and repaired, in order.</param>
public sealed record BttCheckReport(bool Consistent, IReadOnlyList<string> Messages);

/// <summary>A check as the command line tells it: its errno, and every line it prints after the namespace's and function's names.</summary>
/// <param name="Failure">The command's errno; null where it counts the namespace as checked.</param>
/// <param name="Rule">The rule that failed it.</param>
/// <param name="Consistent">Nothing is left to repair.</param>
/// <param name="Messages">The lines.</param>
public sealed record BttCheckResult(Errno? Failure, string Rule, bool Consistent, IReadOnlyList<string> Messages);

/// <summary>Checks the metadata of a sector namespace that is not bound, and repairs it (spec 30 section 12).</summary>
public static class BttCheck
{
    /// <summary>Checks; a refusal carries the errno of <c>ndctl check-namespace</c> and all its lines as one message.</summary>
    public static Outcome<BttCheckReport> Run(IMedia media, Guid? parentUuid, BttCheckOptions options)
    {
        var result = Examine(media, parentUuid, options);
        return result.Failure is { } errno
            ? new Refusal(errno, result.Rule, string.Join("; ", result.Messages))
            : new BttCheckReport(result.Consistent, result.Messages);
    }

    /// <summary>Checks, with the lines apart.</summary>
    public static BttCheckResult Examine(IMedia media, Guid? parentUuid, BttCheckOptions options)
    {
        ArgumentNullException.ThrowIfNull(media);
        ArgumentNullException.ThrowIfNull(options);
        if (options is { RewriteLog: true, Repair: false })
        {
            return new BttCheckResult(Errno.EINVAL, "rewrite-log-needs-repair", Consistent: false, ["--rewrite-log also requires --repair"]);
        }

        var run = new BttCheckRun(media, options, parentUuid ?? Guid.Empty);
        var failed = run.Execute();
        if (options.Repair)
        {
            media.Flush();
        }

        return new BttCheckResult(failed?.Errno, failed?.Rule ?? "", failed is null && !run.LeftUnrepaired, run.Messages);
    }
}
