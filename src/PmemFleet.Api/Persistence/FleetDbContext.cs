using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Conventions;
using Npgsql;
using PmemFleet.Api.Access;
using PmemFleet.Api.Events;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Workers;

namespace PmemFleet.Api.Persistence;

/// <summary>
/// The fleet's rows. Each feature's entity and its configuration stand in the feature's folder; a feature reaches its own rows by
/// <see cref="DbContext.Set{TEntity}()"/>. Writes run in <see cref="FleetTransactions"/> only.
/// </summary>
public sealed class FleetDbContext(DbContextOptions<FleetDbContext> options) : DbContext(options)
{
    public DbSet<HostRow> Hosts => Set<HostRow>();

    public DbSet<WorkerRow> Workers => Set<WorkerRow>();

    public DbSet<WorkerLeaseRow> WorkerLeases => Set<WorkerLeaseRow>();

    public DbSet<OperationRow> Operations => Set<OperationRow>();

    public DbSet<TaskRow> Tasks => Set<TaskRow>();

    public DbSet<EventRow> Events => Set<EventRow>();

    public DbSet<ApiKeyRow> ApiKeys => Set<ApiKeyRow>();

    /// <summary>What is written beside EF's own tracking: the rows of device models, operations with their tasks, events. Saved with it, before it.</summary>
    public RowChanges Changes => field ??= new RowChanges(RowTables.Of(this));

    /// <summary>
    /// Locks a host's row until the transaction ends; writes to one host are serial, hosts are parallel. Null where there is no such host.
    /// Lock hosts before any other row, and several hosts in the order of their ids.
    /// </summary>
    public Task<HostRow?> LockHostAsync(string name, CancellationToken cancellationToken) =>
        Hosts.FromSql($"SELECT * FROM hosts WHERE name = {name} FOR UPDATE").AsTracking().SingleOrDefaultAsync(cancellationToken);

    /// <summary>Locks the rows of several hosts, in the order of their ids.</summary>
    public Task<List<HostRow>> LockHostsAsync(Guid[] ids, CancellationToken cancellationToken) =>
        Hosts.FromSql($"SELECT * FROM hosts WHERE id = ANY({ids}) ORDER BY id FOR UPDATE").AsTracking().ToListAsync(cancellationToken);

    /// <summary>A round trip over the context's connection, which is open.</summary>
    internal RoundTrip NewTrip() => new((NpgsqlConnection)Database.GetDbConnection());

    /// <summary>A topic of <see cref="WakeUps"/> to raise once the transaction is committed.</summary>
    public void WakeAfterCommit(string topic) => Changes.WakeAfterCommit(topic);

    /// <summary>Forgets all rows; what was not saved is lost.</summary>
    public void Forget()
    {
        ChangeTracker.Clear();
        Changes.Clear();
    }

    /// <inheritdoc/>
    public override async Task<int> SaveChangesAsync(bool acceptAllChangesOnSuccess, CancellationToken cancellationToken = default)
    {
        var saved = await Changes.SaveAsync(NewTrip(), cancellationToken);
        return saved + await base.SaveChangesAsync(acceptAllChangesOnSuccess, cancellationToken);
    }

    /// <inheritdoc/>
    public override int SaveChanges(bool acceptAllChangesOnSuccess) => throw new NotSupportedException("writes are asynchronous");

    /// <inheritdoc/>
    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder) =>
        // a foreign key has an index where one is written: several are covered by constraints that the model does not know
        configurationBuilder.Conventions.Remove<ForeignKeyIndexConvention>();

    protected override void OnModelCreating(ModelBuilder modelBuilder) =>
        modelBuilder.ApplyConfigurationsFromAssembly(typeof(FleetDbContext).Assembly);
}
