using PmemFleet.Api.Hosts;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Sync;

/// <summary>A host begins an epoch on a worker.</summary>
/// <param name="Host">Locked and tracked; <see cref="HostRow.Epoch"/> is the new one already.</param>
/// <param name="UnsafeShutdown">It ran before and did not go down cleanly.</param>
public sealed record HostBootRequest(HostRow Host, bool UnsafeShutdown);

/// <summary>
/// Boots hosts that begin an epoch: counts the boot, sets the host's state, and puts the boot task into the queue of each host whose power is on
/// (operation kind <see cref="Kind"/>; a boot step, then one bind step with ContinueOnFailure for each namespace). Called inside a
/// transaction with the hosts locked, for all of them at once. What else is pending on the host is moved behind the boot by the caller.
/// </summary>
public interface IHostBoot
{
    /// <summary>Operation kind of a boot at the beginning of an epoch; a pending one is dropped when a newer epoch begins.</summary>
    const string Kind = "boot";

    Task BootAsync(FleetDbContext db, IReadOnlyList<HostBootRequest> hosts, CancellationToken cancellationToken);
}

/// <summary>Reads what is plugged into hosts, for a worker whose generation is old.</summary>
public interface IHostLayouts
{
    Task<IReadOnlyDictionary<Guid, HostLayout>> LoadAsync(FleetDbContext db, IReadOnlyList<Guid> hostIds, CancellationToken cancellationToken);
}

/// <summary>Applies what workers saw of DIMMs: the newest (epoch, version) wins, an older one changes nothing. For all at once.</summary>
public interface IDimmObservationSink
{
    Task ApplyAsync(FleetDbContext db, IReadOnlyList<DimmObservation> observations, CancellationToken cancellationToken);
}
