using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using PmemFleet.Api.Hosts;

namespace PmemFleet.Api.Workers;

/// <summary>A media pool whose folder is known: a worker of the pool joins only with the folder that has this id.</summary>
public sealed class MediaPoolRow
{
    public required string Name { get; init; }

    public required Guid PoolId { get; set; }

    public required DateTimeOffset CreatedAt { get; init; }
}

/// <summary>Why a host is not served, as its worker reported it last.</summary>
public sealed class HostFailureRow
{
    public required Guid HostId { get; init; }

    public required Guid WorkerId { get; set; }

    public required string Code { get; set; }

    public required string Message { get; set; }

    public required DateTimeOffset Since { get; set; }
}

public sealed class MediaPoolRowConfiguration : IEntityTypeConfiguration<MediaPoolRow>, IEntityTypeConfiguration<HostFailureRow>
{
    public void Configure(EntityTypeBuilder<MediaPoolRow> builder)
    {
        builder.ToTable("media_pools");
        builder.HasKey(pool => pool.Name).HasName("pk_media_pools");
        builder.HasIndex(pool => pool.PoolId).IsUnique().HasDatabaseName("ux_media_pools_pool");
    }

    public void Configure(EntityTypeBuilder<HostFailureRow> builder)
    {
        builder.ToTable("host_failures");
        builder.HasKey(failure => failure.HostId).HasName("pk_host_failures");
        builder.HasIndex(failure => failure.WorkerId).HasDatabaseName("ix_host_failures_worker");
        builder.HasOne<HostRow>().WithOne().HasForeignKey<HostFailureRow>(failure => failure.HostId)
            .OnDelete(DeleteBehavior.Cascade).HasConstraintName("fk_host_failures_host");
    }
}
