using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using PmemFleet.Api.Hosts;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Operations;

/// <summary>A change that needs a worker. It outlives restarts and the host itself.</summary>
public sealed class OperationRow
{
    public const string Pending = "pending";
    public const string Running = "running";
    public const string Succeeded = "succeeded";
    public const string Failed = "failed";
    public const string Cancelled = "cancelled";

    public required Guid Id { get; init; }

    public required string Kind { get; init; }

    /// <summary>Null once the host is gone; <see cref="HostName"/> stays.</summary>
    public Guid? HostId { get; init; }

    public string? HostName { get; init; }

    public string? Subject { get; init; }

    public string State { get; set; } = Pending;

    /// <summary>0 to 1.</summary>
    public double Progress { get; set; }

    public string? ResourceLocation { get; init; }

    /// <summary>The status of the request's answer once it succeeded: 200, 201 or 204.</summary>
    public required int SuccessStatus { get; init; }

    /// <summary>The resource as JSON: the body of the request's answer.</summary>
    public string? Result { get; set; }

    /// <summary>The resource's ETag at the operation's end.</summary>
    public string? ResultEtag { get; set; }

    /// <summary>Why it failed (<c>RefusalDto</c> as JSON).</summary>
    public string? Refusal { get; set; }

    public bool CancelRequested { get; set; }

    /// <summary>Who asked for it.</summary>
    public required string Actor { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? EndedAt { get; set; }

    public long Version { get; set; } = 1;

    public bool HasEnded => State is Succeeded or Failed or Cancelled;
}

/// <summary>One entry of a host's queue; an operation has one after the other, and as long as it has not ended at least one. What is done is deleted.</summary>
public sealed class TaskRow
{
    public required Guid Id { get; init; }

    public required Guid OperationId { get; init; }

    public required Guid HostId { get; init; }

    /// <summary>Position in the host's queue. A new epoch moves what is pending behind its boot, so it can go up.</summary>
    public required long Sequence { get; set; }

    public required string Kind { get; init; }

    /// <summary>The steps as JSON (<c>IReadOnlyList&lt;TaskStep&gt;</c>).</summary>
    public required string Steps { get; init; }

    /// <summary><see cref="Steps"/>, read.</summary>
    public IReadOnlyList<TaskStep> ReadSteps() => JsonSerializer.Deserialize(Steps, FleetJsonContext.Default.IReadOnlyListTaskStep)!;

    /// <summary>W3C trace context of the request.</summary>
    public string? TraceParent { get; init; }

    /// <summary>The epoch under which a worker was last given it; null: no worker ever saw it.</summary>
    public long? DeliveredEpoch { get; set; }

    /// <summary>Nobody waits for it any more: a failover dropped it, or it was done under a version that kept such tasks. It goes with its operation.</summary>
    public bool Done { get; set; }

    public required DateTimeOffset CreatedAt { get; init; }
}

public sealed class OperationRowConfiguration : IEntityTypeConfiguration<OperationRow>, IEntityTypeConfiguration<TaskRow>
{
    public void Configure(EntityTypeBuilder<OperationRow> builder)
    {
        builder.ToTable("operations", table =>
        {
            table.HasCheckConstraint("ck_operations_state", "state IN ('pending', 'running', 'succeeded', 'failed', 'cancelled')");
            table.HasCheckConstraint("ck_operations_progress", "progress >= 0 AND progress <= 1");
            table.HasCheckConstraint("ck_operations_success_status", "success_status IN (200, 201, 204)");
            table.HasCheckConstraint("ck_operations_ended", "(ended_at IS NOT NULL) = (state IN ('succeeded', 'failed', 'cancelled'))");
            table.HasCheckConstraint("ck_operations_refusal", "state <> 'failed' OR refusal IS NOT NULL");
        });
        builder.HasKey(operation => operation.Id).HasName("pk_operations");
        builder.Property(operation => operation.Id).ValueGeneratedNever();
        // json and not jsonb: the answer keeps the order of its members
        builder.Property(operation => operation.Result).HasColumnType("json");
        builder.Property(operation => operation.Refusal).HasColumnType("json");
        builder.Ignore(operation => operation.HasEnded);
        builder.HasOne<HostRow>().WithMany().HasForeignKey(operation => operation.HostId)
            .OnDelete(DeleteBehavior.SetNull).HasConstraintName("fk_operations_host");
        builder.HasIndex(operation => new { operation.HostId, operation.Id }).HasDatabaseName("ix_operations_host");
    }

    public void Configure(EntityTypeBuilder<TaskRow> builder)
    {
        builder.ToTable("tasks", table =>
        {
            table.HasCheckConstraint("ck_tasks_sequence", "sequence >= 1");
            table.HasCheckConstraint("ck_tasks_steps", "json_typeof(steps) = 'array'");
        });
        builder.HasKey(task => task.Id).HasName("pk_tasks");
        builder.Property(task => task.Id).ValueGeneratedNever();
        // json and not jsonb, which reorders members: a step's discriminator has to stay the first
        builder.Property(task => task.Steps).HasColumnType("json");
        builder.HasOne<OperationRow>().WithMany().HasForeignKey(task => task.OperationId)
            .OnDelete(DeleteBehavior.Cascade).HasConstraintName("fk_tasks_operation");
        builder.HasOne<HostRow>().WithMany().HasForeignKey(task => task.HostId)
            .OnDelete(DeleteBehavior.Cascade).HasConstraintName("fk_tasks_host");
        builder.HasIndex(task => task.OperationId).HasDatabaseName("ix_tasks_operation");
        builder.HasIndex(task => new { task.HostId, task.Sequence }).IsUnique().HasFilter("NOT done").HasDatabaseName("ux_tasks_queue");
    }
}
