using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Workers;

namespace PmemFleet.Api.Hosts;

/// <summary>A virtual server. Its row is the lock of the whole host: whoever changes anything of the host locks it first.</summary>
public sealed class HostRow
{
    public const string On = "on";
    public const string Off = "off";
    public const string Pending = "pending";
    public const string Booting = "booting";
    public const string Ready = "ready";

    public required Guid Id { get; init; }

    public required string Name { get; init; }

    /// <summary>Labels for selectors.</summary>
    public Dictionary<string, string> Labels { get; set; } = [];

    public required string Provider { get; init; }

    public required bool SupportsPud { get; init; }

    public required int PageTableLevels { get; init; }

    public required string Profile { get; init; }

    public required bool DeviceDax { get; init; }

    public required string MediaPool { get; init; }

    /// <summary><see cref="On"/> or <see cref="Off"/>.</summary>
    public string Power { get; set; } = On;

    /// <summary><see cref="Pending"/> (no worker yet), <see cref="Booting"/> or <see cref="Ready"/>.</summary>
    public string State { get; set; } = Pending;

    /// <summary>The worker that holds the host.</summary>
    public Guid? WorkerId { get; set; }

    /// <summary>The worker's process that holds it; another one than the lease's is gone, and the host begins a new epoch.</summary>
    public Guid? WorkerInstanceId { get; set; }

    /// <summary>Epoch of the newest assignment to a worker; only ever goes up.</summary>
    public long Epoch { get; set; }

    /// <summary>Generation of the layout (DIMMs and regions); only ever goes up.</summary>
    public long Generation { get; set; } = 1;

    /// <summary>Sequence of the newest task.</summary>
    public long TaskSequence { get; set; }

    public long BootCount { get; set; }

    /// <summary>What the ETag shows; goes up with each change that a reader of the host can see.</summary>
    public long Version { get; set; } = 1;

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Names the state of the rows of the host's device model (<see cref="HostRevisions"/>).</summary>
    public Guid Revision { get; set; }
}

public sealed class HostRowConfiguration : IEntityTypeConfiguration<HostRow>
{
    public void Configure(EntityTypeBuilder<HostRow> builder)
    {
        builder.ToTable("hosts", table =>
        {
            table.HasCheckConstraint("ck_hosts_name", "name ~ '^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$'");
            table.HasCheckConstraint("ck_hosts_provider", "provider IN ('ACPI.NFIT', 'e820')");
            table.HasCheckConstraint("ck_hosts_page_table_levels", "page_table_levels IN (4, 5)");
            table.HasCheckConstraint("ck_hosts_power", "power IN ('on', 'off')");
            table.HasCheckConstraint("ck_hosts_state", "state IN ('pending', 'booting', 'ready')");
            table.HasCheckConstraint("ck_hosts_counters", "epoch >= 0 AND generation >= 1 AND task_sequence >= 0 AND boot_count >= 0 AND version >= 1");
            table.HasCheckConstraint("ck_hosts_worker", "(worker_id IS NULL) = (worker_instance_id IS NULL)");
            table.HasCheckConstraint("ck_hosts_labels", "jsonb_typeof(labels) = 'object'");
        });
        builder.HasOne<WorkerRow>().WithMany().HasForeignKey(host => host.WorkerId)
            .OnDelete(DeleteBehavior.Restrict).HasConstraintName("fk_hosts_worker");
        builder.HasIndex(host => host.WorkerId).HasDatabaseName("ix_hosts_worker");
        builder.HasKey(host => host.Id).HasName("pk_hosts");
        builder.HasIndex(host => host.Name).IsUnique().HasDatabaseName("ux_hosts_name");
        builder.HasIndex(host => host.MediaPool).HasDatabaseName("ix_hosts_media_pool");
        builder.HasIndex(host => host.Labels).HasMethod("gin").HasDatabaseName("ix_hosts_labels");
        builder.Property(host => host.Id).ValueGeneratedNever();
        builder.Property(host => host.Labels).HasColumnType("jsonb").HasConversion(LabelsJson.Converter, LabelsJson.Comparer);
    }
}
