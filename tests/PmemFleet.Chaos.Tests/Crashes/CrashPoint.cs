namespace PmemFleet.Chaos.Tests.Crashes;

/// <summary>What ends at a crash point.</summary>
internal enum CrashKind
{
    /// <summary>The connection, before what was done is told to whoever asked: the answer of the commit, of the sync, or the client's.</summary>
    AnswerLost,

    /// <summary>kill -9 of the Api that did it, before it learns that it did, or before its answer leaves.</summary>
    ApiKilled,

    /// <summary>kill -9 of the worker at that moment.</summary>
    WorkerKilled,
}

/// <summary>Where in the life of a command it ends.</summary>
internal enum CrashMoment
{
    /// <summary>A commit that changes something.</summary>
    Commit,

    /// <summary>The Api's answer to the worker's sync.</summary>
    SyncReply,

    /// <summary>The Api's answer to the client.</summary>
    Reply,
}

/// <summary>A moment in the life of one command.</summary>
/// <param name="Kind">What ends.</param>
/// <param name="Moment">At what.</param>
/// <param name="Number">At which one of the command's, from 1.</param>
internal sealed record CrashPoint(CrashKind Kind, CrashMoment Moment, int Number)
{
    /// <summary>
    /// A command commits up to three times: the request, the delivery to the worker, the worker's result; a power cycle's result brings the binds, whose result is
    /// a fourth. Where the request hands its task out, it is the delivery, and there is one less. The worker is answered behind each but the first, so a kill before that
    /// answer is the kill after that commit.
    /// </summary>
    public static IReadOnlyList<CrashPoint> All { get; } =
    [
        .. from kind in Enum.GetValues<CrashKind>() select new CrashPoint(kind, CrashMoment.Reply, 1),
        .. from number in new[] { 1, 2, 3 } select new CrashPoint(CrashKind.AnswerLost, CrashMoment.SyncReply, number),
        .. from kind in Enum.GetValues<CrashKind>() from number in new[] { 1, 2, 3, 4 } select new CrashPoint(kind, CrashMoment.Commit, number),
    ];

    /// <summary>False where a command ends before its point. Bytes go to the worker without a commit and without a sync.</summary>
    public bool CanStrike(Command command) => Moment switch
    {
        CrashMoment.Commit => Number <= CommitsOf(command),
        CrashMoment.SyncReply => Number <= CommitsOf(command) - 1,
        _ => true,
    };

    public override string ToString() => Moment == CrashMoment.Reply ? $"{Kind} at the reply" : $"{Kind} at {(Moment == CrashMoment.Commit ? "commit" : "sync reply")} {Number}";

    /// <summary>Where a command has more (a host that had to be placed anew in between), the further ones are not counted on.</summary>
    private static int CommitsOf(Command command) => command switch
    {
        Command.Write => 0,
        Command.PowerCycle => 4,
        _ => 3,
    };
}
