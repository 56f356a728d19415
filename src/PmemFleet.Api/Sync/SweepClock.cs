namespace PmemFleet.Api.Sync;

/// <summary>Tells, to one caller a minute, that what belongs to processes which never came back is to be forgotten.</summary>
internal sealed class SweepClock(TimeProvider time)
{
    private static readonly TimeSpan Forgotten = TimeSpan.FromMinutes(1);
    private long _sweptAt = time.GetTimestamp();

    /// <summary>A minute has passed, and nobody else was told so.</summary>
    public bool IsDue()
    {
        var swept = Interlocked.Read(ref _sweptAt);
        return time.GetElapsedTime(swept) >= Forgotten && Interlocked.CompareExchange(ref _sweptAt, time.GetTimestamp(), swept) == swept;
    }

    /// <summary>Nobody expects it any more.</summary>
    public bool IsForgotten(long since) => time.GetElapsedTime(since) > Forgotten;
}
