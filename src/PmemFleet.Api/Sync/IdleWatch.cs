using PmemFleet.Api.Access;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Sync;

/// <summary>Why a watch ended.</summary>
internal enum IdleVerdict
{
    /// <summary>Its time is up; its lease is renewed, and there is nothing to take along.</summary>
    Nothing,

    /// <summary>Its topic was raised, or there is mail.</summary>
    Woken,

    /// <summary>Something waits for the worker, or its lease is in use: a transaction of its own tells.</summary>
    Ask,

    /// <summary>Its lease is over.</summary>
    Fenced,

    /// <summary>The worker is not there any more; a value, for thousands may leave at once.</summary>
    Left,
}

/// <summary>A request that waits and brings nothing: all that is held of it while it does.</summary>
internal sealed class IdleWatch : IWoken, IDisposable
{
    private const long Never = long.MinValue;

    private readonly IdleSyncs _owner;
    private readonly WakeUpSubscription _wakeUp;
    private readonly long _number;
    private readonly TaskCompletionSource<IdleVerdict> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CancellationTokenRegistration _left;
    private long _lookedAt = Never;

    public IdleWatch(IdleSyncs owner, WakeUpSubscription wakeUp, WorkerIdentity worker, SyncRequest request, long number, long until) =>
        (_owner, _wakeUp, _number, Worker, Held, Digest, Until) = (owner, wakeUp, number, worker, request.Hosts!, HostsDigest.Of(request), until);

    /// <summary>Who is due first comes first.</summary>
    public static IComparer<IdleWatch> ByDue { get; } =
        Comparer<IdleWatch>.Create(static (one, other) => one.Due != other.Due ? one.Due.CompareTo(other.Due) : one._number.CompareTo(other._number));

    public WorkerIdentity Worker { get; }

    public IReadOnlyList<HeldHost> Held { get; }

    public HostsDigest? Digest { get; }

    /// <summary>When its time is up.</summary>
    public long Until { get; }

    /// <summary>When something is to be done about it; changed only while nobody has sorted it.</summary>
    public long Due { get; set; }

    /// <summary>When it was last seen that nothing waits, and the lease renewed; null where that was not yet done.</summary>
    public long? LookedAt
    {
        get => Interlocked.Read(ref _lookedAt) is var at and not Never ? at : null;
        set => Interlocked.Exchange(ref _lookedAt, value ?? Never);
    }

    public Task<IdleVerdict> Ended => _ended.Task;

    /// <summary>From now on it may be woken; whoever was woken before is at once.</summary>
    public void Start(CancellationToken cancellationToken)
    {
        _left = cancellationToken.UnsafeRegister(static watch => ((IdleWatch)watch!).End(IdleVerdict.Left), this);
        _wakeUp.Tell(this);
    }

    public void Wake() => End(IdleVerdict.Woken);

    public void End(IdleVerdict verdict) => _ended.TrySetResult(verdict);

    public void Fail(Exception failure) => _ended.TrySetException(failure);

    public void Dispose()
    {
        _wakeUp.TellNobody();
        _left.Dispose();
        _owner.Forget(this);
    }
}
