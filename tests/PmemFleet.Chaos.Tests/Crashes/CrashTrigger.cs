using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using PmemFleet.Chaos.Tests.Wires;

namespace PmemFleet.Chaos.Tests.Crashes;

/// <summary>Makes one crash happen at its point, once.</summary>
internal sealed partial class CrashTrigger
{
    private readonly Lock _gate = new();
    private TaskCompletionSource _fired = new();
    private CrashPoint? _armed;
    private int _passed;
    private int _commits;

    public Action<int> KillReplica { get; init; } = _ => { };

    public Action KillWorker { get; init; } = () => { };

    public void Arm(CrashPoint point)
    {
        lock (_gate)
        {
            (_armed, _passed, _commits) = (point, 0, 0);
            _fired = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>The client may know that a command has ended before its last answers are under way: gives the point that time.</summary>
    public Task FiredAsync(TimeSpan grace) => Task.WhenAny(_fired.Task, Task.Delay(grace));

    /// <summary>Whether it has happened, and how many commits there were that change something.</summary>
    public (bool Fired, int Commits) Disarm()
    {
        lock (_gate)
        {
            _armed = null;
            return (_fired.Task.IsCompleted, _commits);
        }
    }

    public CommitFault OnCommit(int replica, IReadOnlyList<string> statements)
    {
        if (!statements.Any(Changes))
        {
            return CommitFault.None;
        }

        lock (_gate)
        {
            _commits++;
        }

        return Strike(CrashMoment.Commit, replica) ? CommitFault.AnswerLost : CommitFault.None;
    }

    /// <summary>For the wires of HTTP, once the answer is there; only what changes something is struck.</summary>
    public WireFault OnAnswer(CrashMoment moment, HttpRequest request, int status, int replica) =>
        request.Method != "GET" && status < 300 && Strike(moment, replica) ? WireFault.CutAfter : WireFault.None;

    /// <summary>
    /// True where a statement changes what the fleet is or has to do: not the numbering of events, not leases, not who has joined. A WITH may hold
    /// the change anywhere in it.
    /// </summary>
    public static bool Changes(string statement) => Change().IsMatch(statement);

    /// <summary>True where the answer must not go on.</summary>
    private bool Strike(CrashMoment moment, int replica)
    {
        CrashPoint point;
        lock (_gate)
        {
            if (_armed is null || _armed.Moment != moment || ++_passed < _armed.Number)
            {
                return false;
            }

            (point, _armed) = (_armed, null);
        }

        switch (point.Kind)
        {
            case CrashKind.ApiKilled:
                KillReplica(replica);
                break;
            case CrashKind.WorkerKilled:
                KillWorker();
                break;
        }

        _fired.TrySetResult();
        return point.Kind != CrashKind.WorkerKilled;
    }

    [GeneratedRegex(
        """\b(INSERT\s+INTO|(?<!\bFOR\s+(NO\s+KEY\s+)?)UPDATE|DELETE\s+FROM|MERGE\s+INTO|COPY)\s+(?>(ONLY\s+)?("?\w+"?\s*\.\s*)?"?)(?!(worker_leases|workers|event_counter|events|api_keys|SET)\b)[a-z_]+""",
        RegexOptions.IgnoreCase)]
    private static partial Regex Change();
}
