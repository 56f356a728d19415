using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using PmemFleet.Api.Operations;

namespace PmemFleet.Api.Idempotency;

/// <summary>The answer of a POST that had an effect, written in the effect's transaction.</summary>
public sealed class IdempotencyKeyRow
{
    /// <summary>Keys are the caller's own.</summary>
    public required string Caller { get; init; }

    public required string Key { get; init; }

    /// <summary>SHA-256 of method, path, query and body.</summary>
    public required byte[] Fingerprint { get; init; }

    /// <summary>The answer is what became of this operation.</summary>
    public Guid? OperationId { get; init; }

    public int? Status { get; init; }

    public string? Location { get; init; }

    public string? Etag { get; init; }

    public byte[]? Body { get; init; }

    public required DateTimeOffset ExpiresAt { get; init; }
}

public sealed class IdempotencyKeyRowConfiguration : IEntityTypeConfiguration<IdempotencyKeyRow>
{
    public void Configure(EntityTypeBuilder<IdempotencyKeyRow> builder)
    {
        builder.ToTable("idempotency_keys", table =>
        {
            table.HasCheckConstraint("ck_idempotency_keys_key", "key ~ '^[!-~]{1,200}$'");
            table.HasCheckConstraint("ck_idempotency_keys_fingerprint", "octet_length(fingerprint) = 32");
            table.HasCheckConstraint("ck_idempotency_keys_answer", "(operation_id IS NULL) <> (status IS NULL)");
        });
        builder.HasKey(row => new { row.Caller, row.Key }).HasName("pk_idempotency_keys");
        builder.HasOne<OperationRow>().WithMany().HasForeignKey(row => row.OperationId)
            .OnDelete(DeleteBehavior.Cascade).HasConstraintName("fk_idempotency_keys_operation");
        builder.HasIndex(row => row.OperationId).HasDatabaseName("ix_idempotency_keys_operation");
        builder.HasIndex(row => row.ExpiresAt).HasDatabaseName("ix_idempotency_keys_expires_at");
    }
}
