using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace PmemFleet.Api.Access;

/// <summary>A bearer key. Only its SHA-256 is stored.</summary>
public sealed class ApiKeyRow
{
    public required Guid Id { get; init; }

    public required string Name { get; init; }

    /// <summary>One of <see cref="Roles"/>.</summary>
    public required string Role { get; init; }

    /// <summary>The key's first characters, to tell keys apart.</summary>
    public required string Prefix { get; init; }

    /// <summary>SHA-256 of the whole key's ASCII bytes.</summary>
    public required byte[] Hash { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? ExpiresAt { get; init; }

    public DateTimeOffset? RevokedAt { get; set; }

    /// <summary>Made from the environment or printed at the first start, not by a request.</summary>
    public bool Bootstrap { get; init; }

    public long Version { get; set; } = 1;
}

public sealed class ApiKeyRowConfiguration : IEntityTypeConfiguration<ApiKeyRow>
{
    public void Configure(EntityTypeBuilder<ApiKeyRow> builder)
    {
        builder.ToTable("api_keys", table =>
        {
            table.HasCheckConstraint("ck_api_keys_role", "role IN ('viewer', 'operator', 'admin')");
            table.HasCheckConstraint("ck_api_keys_name", "length(name) BETWEEN 1 AND 100");
            table.HasCheckConstraint("ck_api_keys_hash", "octet_length(hash) = 32");
        });
        builder.HasKey(key => key.Id).HasName("pk_api_keys");
        builder.Property(key => key.Id).ValueGeneratedNever();
        builder.HasIndex(key => key.Hash).IsUnique().HasDatabaseName("ux_api_keys_hash");
    }
}
