using System.Text.RegularExpressions;
using PmemFleet.Chaos.Tests.Wires;

namespace PmemFleet.Chaos.Tests.Crashes;

/// <summary>What ends at a crash point.</summary>
internal enum CrashKind
{
    /// <summary>The Api's whole answer is ready, and the client never gets it.</summary>
    ReplyLost,

    /// <summary>kill -9 of the Api that committed, before it learns that it did.</summary>
    ApiKilled,

    /// <summary>kill -9 of the worker at that moment.</summary>
    WorkerKilled,

    /// <summary>The connection to PostgreSQL breaks after the commit.</summary>
    CommitLost,

    /// <summary>The worker's sync had its whole effect, and the worker never gets the answer.</summary>
    SyncReplyLost,
}

/// <summary>A moment in the life of one command.</summary>
/// <param name="Kind">What ends.</param>
/// <param name="Commit">At which commit that changes something, from 1; no matter where a reply is lost.</param>
internal sealed record CrashPoint(CrashKind Kind, int Commit)
{
    /// <summary>A command has up to three commits: the request's, the delivery's, the result's; power has another delivery and result for the binds.</summary>
    public static IReadOnlyList<CrashPoint> All { get; } =
    [
        new(CrashKind.ReplyLost, 0),
        new(CrashKind.SyncReplyLost, 0),
        .. from kind in new[] { CrashKind.ApiKilled, CrashKind.WorkerKilled, CrashKind.CommitLost } from commit in new[] { 1, 2, 3 } select new CrashPoint(kind, commit),
    ];

    public override string ToString() => Commit == 0 ? $"{Kind}" : $"{Kind} at commit {Commit}";
}

/// <summary>Makes one crash happen at its point, once.</summary>
internal sealed partial class CrashTrigger
{
    private readonly Lock _gate = new();
    private CrashPoint? _armed;
    private int _commits;

    public Action<int> KillReplica { get; set; } = _ => { };

    public Action KillWorker { get; set; } = () => { };

    /// <summary>Crashes that happened, by point.</summary>
    public SortedDictionary<string, int> Fired { get; } = new(StringComparer.Ordinal);

    public void Arm(CrashPoint point)
    {
        lock (_gate)
        {
            (_armed, _commits) = (point, 0);
        }
    }

    /// <summary>True where it has happened.</summary>
    public bool Disarm()
    {
        lock (_gate)
        {
            var fired = _armed is null;
            _armed = null;
            return fired;
        }
    }

    public CommitFault OnCommit(int replica, string statements)
    {
        if (!Change().IsMatch(statements))
        {
            return CommitFault.None;
        }

        CrashPoint? point;
        lock (_gate)
        {
            point = _armed;
            if (point is null || point.Commit == 0 || ++_commits < point.Commit)
            {
                return CommitFault.None;
            }

            Fire(point);
        }

        if (point.Kind == CrashKind.ApiKilled)
        {
            KillReplica(replica);
        }
        else if (point.Kind == CrashKind.WorkerKilled)
        {
            KillWorker();
            return CommitFault.None;
        }

        return CommitFault.AnswerLost;
    }

    /// <summary>For the wires of HTTP; only requests that change something are struck.</summary>
    public WireFault OnRequest(CrashKind kind, Microsoft.AspNetCore.Http.HttpRequest request)
    {
        lock (_gate)
        {
            if (_armed is not { } point || point.Kind != kind || request.Method == "GET")
            {
                return WireFault.None;
            }

            Fire(point);
            return WireFault.CutAfter;
        }
    }

    private void Fire(CrashPoint point)
    {
        _armed = null;
        Fired[point.ToString()] = Fired.GetValueOrDefault(point.ToString()) + 1;
    }

    /// <summary>Not the numbering of events, not leases.</summary>
    [GeneratedRegex("(INSERT INTO|UPDATE|DELETE FROM) (tasks|operations|idempotency_keys|hosts|namespaces|dimm)")]
    private static partial Regex Change();
}
