using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using PmemFleet.Api.Operations;

namespace PmemFleet.Api.Workloads;

/// <summary>A workload. How far it is says its operation; it outlives the host it ran on.</summary>
public sealed class WorkloadRow
{
    public required Guid Id { get; init; }

    public string? Name { get; init; }

    /// <summary>The host whose devices it maps; null for a described machine.</summary>
    public string? HostName { get; init; }

    public required Guid OperationId { get; init; }

    /// <summary>The request as JSON.</summary>
    public required string Spec { get; init; }

    /// <summary>The result's own bytes.</summary>
    public string? Result { get; set; }

    /// <summary>The figures at the end, for lists that do not show the series.</summary>
    public string? Figures { get; set; }

    public string? ResultSha256 { get; set; }

    public bool EndedByPowerCut { get; set; }

    public required string Actor { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }
}

public sealed class WorkloadRowConfiguration : IEntityTypeConfiguration<WorkloadRow>
{
    public void Configure(EntityTypeBuilder<WorkloadRow> builder)
    {
        builder.ToTable("workloads", table =>
            table.HasCheckConstraint("ck_workloads_result", "(result IS NULL) = (result_sha256 IS NULL) AND (result IS NULL) = (figures IS NULL)"));
        builder.HasKey(workload => workload.Id).HasName("pk_workloads");
        builder.Property(workload => workload.Id).ValueGeneratedNever();
        // text and not jsonb: the bytes are the result
        builder.Property(workload => workload.Spec).HasColumnType("json");
        builder.Property(workload => workload.Result).HasColumnType("json");
        builder.Property(workload => workload.Figures).HasColumnType("json");
        builder.HasOne<OperationRow>().WithMany().HasForeignKey(workload => workload.OperationId)
            .OnDelete(DeleteBehavior.Restrict).HasConstraintName("fk_workloads_operation");
        builder.HasIndex(workload => workload.OperationId).IsUnique().HasDatabaseName("ux_workloads_operation");
        builder.HasIndex(workload => new { workload.HostName, workload.Id }).HasDatabaseName("ix_workloads_host");
    }
}
