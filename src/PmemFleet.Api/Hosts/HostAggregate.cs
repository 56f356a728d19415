using PmemFleet.Api.Conventions;
using PmemFleet.Api.Dimms;
using PmemFleet.Api.Namespaces;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Regions;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Sync;
using PmemFleet.Nvdimm.Model;

namespace PmemFleet.Api.Hosts;

/// <summary>
/// One host as a write sees it: its row is locked, its other rows are there, and <see cref="Bus"/> is the model over them. A
/// write applies one command to the bus, calls <see cref="Save"/>, and answers from the rows.
/// </summary>
public sealed class HostAggregate
{
    private readonly Dictionary<int, int> _clearErrorUnits = [];
    private readonly (int, int, int) _counts;

    private Bus _bus;
    private bool _isSaved;

    private HostAggregate(RowChanges changes, HostRows rows, Bus? bus, DateTimeOffset now)
    {
        (Changes, Rows, Now) = (changes, rows, now);
        _bus = bus ?? Bus.Load(BusOfRows.Read(rows));
        _counts = Counts();
        changes.Attach(rows.Host.Id, rows.Stored);
    }

    public RowChanges Changes { get; }

    public HostRows Rows { get; }

    public HostRow Host => Rows.Host;

    public string Name => Rows.Host.Name;

    public DateTimeOffset Now { get; }

    /// <summary>The device model.</summary>
    public Bus Bus
    {
        get
        {
            // whoever has it may change it
            _isSaved = false;
            return _bus;
        }
    }

    /// <summary>The device model where the rows say all of it; null where it may have been changed since they were written.</summary>
    internal Bus? SavedBus => _isSaved ? _bus : null;

    /// <summary>The request; only where the aggregate serves one.</summary>
    public FleetWriteContext Context { get => field ?? throw new InvalidOperationException("no request"); private init; }

    /// <summary>Locks and loads the host; null where there is none of that name.</summary>
    public static async Task<HostAggregate?> LockAsync(FleetWriteContext context, string host) =>
        await context.Db.LockHostAsync(host, context.Cancelled) is { } row
            ? (await LoadAsync(context.Db, [row], context.Now, context, keep: true, context.Cancelled))[0]
            : null;

    /// <summary>A host that this write makes.</summary>
    public static HostAggregate Made(FleetWriteContext context, HostRow host) =>
        Of(context, HostRows.Bare(host));

    /// <summary>A host that is locked, with its rows and, where it is known, the model over them.</summary>
    public static HostAggregate Of(FleetWriteContext context, HostRows rows, Bus? bus = null) => new(context.Changes, rows, bus, context.Now) { Context = context };

    /// <summary>Several hosts that the caller has locked.</summary>
    public static Task<List<HostAggregate>> LoadAsync(
        FleetDbContext db, IReadOnlyList<HostRow> locked, DateTimeOffset now, CancellationToken cancellationToken) =>
        LoadAsync(db, locked, now, null, keep: true, cancellationToken);

    /// <summary>Hosts of a whole fleet, which are locked and not kept in memory: there may be thousands.</summary>
    public static Task<List<HostAggregate>> LoadAsync(FleetWriteContext context, IReadOnlyList<HostRow> locked) =>
        LoadAsync(context.Db, locked, context.Now, context, keep: false, context.Cancelled);

    public DimmRow? FindDimm(string name) => Rows.Dimms.Find(row => row.Name == name);

    public RegionRow? FindRegion(string name) => Rows.Regions.Find(row => row.Name == name);

    public NamespaceRow? FindNamespace(string name) =>
        _bus.FindNamespace(name) is { } device ? RowOf(device) : null;

    public RegionRow RowOf(Region region) => Rows.Regions.First(row => row.Number == region.Id);

    /// <summary>The row of a namespace that is saved.</summary>
    public NamespaceRow RowOf(PmemNamespace device)
    {
        var region = RowOf(device.Region).Id;
        return Rows.Namespaces.First(row => row.RegionId == region && row.Number == device.Id);
    }

    /// <summary>Holds the caller's If-Match against a row.</summary>
    public RefusalDto? IfMatch(Guid id, long version) => Context.CheckIfMatch(Etag.Of(id, version));

    /// <summary>Bytes that one clear-error command covers on a DIMM that was just plugged; the model does not know it.</summary>
    public void NoteClearErrorUnit(Dimm plugged, int bytes) => _clearErrorUnits[plugged.Id] = bytes;

    /// <summary>Another model in its place, made of this one's snapshot.</summary>
    public void Replace(BusSnapshot snapshot) => (_bus, _isSaved) = (Bus.Load(snapshot), false);

    /// <summary>Writes what the command changed into the rows and raises the versions of what a reader can see. May be called again.</summary>
    public void Save()
    {
        var plugged = (Rows.Dimms.Count, Rows.Regions.Count);
        new RowsOfBus(Changes, Rows, Now).Save(_bus, _clearErrorUnits);
        _isSaved = true;
        if (plugged != (Rows.Dimms.Count, Rows.Regions.Count))
        {
            Host.Generation++;
            if (Host.WorkerId is { } worker)
            {
                Changes.WakeAfterCommit(WakeUps.Worker(worker));
            }
        }

        if (Changes.StateOf(Host) == RowState.Added)
        {
            // nobody has seen any version of it
            return;
        }

        RowVersions.Raise(Changes, Rows);
        if (_counts != Counts())
        {
            Host.Version++;
        }
    }

    /// <summary>Something happened to one of the host's devices.</summary>
    public void Event(string type, string subject, object? data = null) =>
        Context.Event(type, Name, subject, data is null ? null : FleetWriteContext.ToJson(data));

    /// <summary>Work for the worker; call it after <see cref="Save"/>.</summary>
    public WriteOutcome Enqueue(string kind, string subject, IReadOnlyList<TaskStep> steps, string? location, int status = StatusCodes.Status200OK) =>
        new WriteOutcome.Accepted(Context.Enqueue(Host, kind, subject, steps, location, status).Id);

    /// <summary>The model's steps as the worker takes them; call it after <see cref="Save"/>.</summary>
    public IReadOnlyList<TaskStep> ToTaskSteps(IEnumerable<MediaStep> steps, bool continueOnFailure = false) =>
        [.. steps.Select(step => MediaSteps.ToTaskStep(step, this, continueOnFailure))];

    /// <summary>
    /// All that a change asks of the worker; where the command ends with an error after it, the operation fails with that.
    /// </summary>
    public IReadOnlyList<TaskStep> ToTaskSteps(NamespaceChange change) => change.Refusal is { } refusal
        ? [.. ToTaskSteps(change.Steps), new RefuseStep { Refusal = NamespaceRequests.OnTheWire(refusal) }]
        : ToTaskSteps(change.Steps);

    private static async Task<List<HostAggregate>> LoadAsync(
        FleetDbContext db, IReadOnlyList<HostRow> locked, DateTimeOffset now, FleetWriteContext? context, bool keep, CancellationToken cancellationToken)
    {
        var rows = await LockedHosts.LoadAsync(db, locked, cancellationToken);
        return rows.ConvertAll(host =>
        {
            var aggregate = context is null ? new HostAggregate(db.Changes, host.Rows, host.Bus, now) : new HostAggregate(db.Changes, host.Rows, host.Bus, now) { Context = context };
            if (keep)
            {
                LockedHosts.KeepAfterCommit(db, aggregate);
            }

            return aggregate;
        });
    }

    private (int Dimms, int Regions, int Namespaces) Counts() =>
        (Rows.Dimms.Count, Rows.Regions.Count, Rows.Namespaces.Count(row => row.Size > 0));
}
