using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace PmemFleet.Api.Workers;

/// <summary>A worker that joined. What changes with every heartbeat is in <see cref="WorkerLeaseRow"/>.</summary>
public sealed class WorkerRow
{
    public required Guid Id { get; init; }

    public required string Name { get; init; }

    public required string MediaPool { get; set; }

    public required string AdvertisedUrl { get; set; }

    public required string ProgramVersion { get; set; }

    /// <summary>It gets no new hosts.</summary>
    public bool Draining { get; set; }

    /// <summary>New room on its media is refused.</summary>
    public bool MediaFull { get; set; }

    public long Version { get; set; } = 1;

    public required DateTimeOffset JoinedAt { get; set; }
}

/// <summary>The small row that a heartbeat touches. Times are the database's, so that all replicas of the Api agree.</summary>
public sealed class WorkerLeaseRow
{
    public required Guid WorkerId { get; init; }

    /// <summary>The process that joined last; any other one of the same name is fenced.</summary>
    public required Guid InstanceId { get; set; }

    public required DateTimeOffset ExpiresAt { get; set; }
}

public sealed class WorkerRowConfiguration : IEntityTypeConfiguration<WorkerRow>, IEntityTypeConfiguration<WorkerLeaseRow>
{
    public void Configure(EntityTypeBuilder<WorkerRow> builder)
    {
        builder.ToTable("workers", table =>
        {
            table.HasCheckConstraint("ck_workers_name", "name ~ '^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$'");
            table.HasCheckConstraint("ck_workers_version", "version >= 1");
        });
        builder.HasKey(worker => worker.Id).HasName("pk_workers");
        builder.HasIndex(worker => worker.Name).IsUnique().HasDatabaseName("ux_workers_name");
        builder.Property(worker => worker.Id).ValueGeneratedNever();
        builder.Property(worker => worker.MediaFull).HasDefaultValue(false);
    }

    public void Configure(EntityTypeBuilder<WorkerLeaseRow> builder)
    {
        builder.ToTable("worker_leases");
        builder.HasKey(lease => lease.WorkerId).HasName("pk_worker_leases");
        builder.HasOne<WorkerRow>().WithOne().HasForeignKey<WorkerLeaseRow>(lease => lease.WorkerId)
            .OnDelete(DeleteBehavior.Cascade).HasConstraintName("fk_worker_leases_worker");
    }
}
