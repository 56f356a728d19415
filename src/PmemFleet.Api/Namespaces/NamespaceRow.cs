using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Regions;

namespace PmemFleet.Api.Namespaces;

/// <summary>A namespace of a region, the zero-size seed included.</summary>
public sealed class NamespaceRow : IHostDeviceRow
{
    public const string Disabled = "disabled";
    public const string Pending = "pending";
    public const string Enabled = "enabled";

    public required Guid HostId { get; init; }

    public required Guid Id { get; init; }

    public required Guid RegionId { get; init; }

    /// <summary>The Y of <c>namespaceR.Y</c>; a boot may give another one. Unique in the region: <c>ux_namespaces_number</c>.</summary>
    public required int Number { get; set; }

    /// <summary>4: label-less, the whole region. 5: from labels. A reconfiguration that labels the region's DIMMs turns the one into the other.</summary>
    public required int Kind { get; set; }

    /// <summary>The labels' uuid.</summary>
    public Guid? Uuid { get; set; }

    public string AltName { get; set; } = string.Empty;

    /// <summary>Bytes allocated; 0 for an idle one.</summary>
    public long Size { get; set; }

    /// <summary>System physical address; null where the size is 0.</summary>
    public long? Start { get; set; }

    /// <summary>0 (never set), 512 or 4096.</summary>
    public int SectorSize { get; set; }

    /// <summary><c>none</c>, <c>btt</c>, <c>btt2</c>, <c>pfn</c>, <c>dax</c> or <c>unknown</c>.</summary>
    public string ClaimClass { get; set; } = "none";

    /// <summary>The label's abstraction guid where the class is unknown.</summary>
    public Guid? UnknownAbstraction { get; set; }

    public bool ForceRaw { get; set; }

    /// <summary><see cref="Disabled"/>, <see cref="Pending"/> (a bind is awaited) or <see cref="Enabled"/>.</summary>
    public string State { get; set; } = Disabled;

    /// <summary>What the awaited bind is for; null unless pending.</summary>
    public PendingBindColumns? Awaited { get; set; }

    public bool Mounted { get; set; }

    public long Version { get; set; } = 1;
}

/// <summary>A planned bind, so that its outcome can be undone.</summary>
public sealed record PendingBindColumns
{
    /// <summary><c>create</c>, <c>reconfigure</c> or <c>enable</c>.</summary>
    public required string Intent { get; init; }

    /// <summary><c>btt</c>, <c>pfn</c>, <c>dax</c>, or null where info blocks decide.</summary>
    public string? Personality { get; init; }

    public int PersonalityNumber { get; init; }

    public int? NextNamespaceSeed { get; init; }

    public int? NextPersonalitySeed { get; init; }

    public bool AutoRecover { get; init; } = true;
}

public sealed class NamespaceRowConfiguration : IEntityTypeConfiguration<NamespaceRow>
{
    public void Configure(EntityTypeBuilder<NamespaceRow> builder)
    {
        builder.ToTable("namespaces", table =>
        {
            table.HasCheckConstraint("ck_namespaces_number", "number >= 0");
            table.HasCheckConstraint("ck_namespaces_kind", "kind IN (4, 5)");
            table.HasCheckConstraint("ck_namespaces_size", "size >= 0 AND (start IS NULL) = (size = 0)");
            table.HasCheckConstraint("ck_namespaces_alt_name", "octet_length(alt_name) <= 63");
            table.HasCheckConstraint("ck_namespaces_sector_size", "sector_size IN (0, 512, 4096)");
            table.HasCheckConstraint("ck_namespaces_claim_class", "claim_class IN ('none', 'btt', 'btt2', 'pfn', 'dax', 'unknown')");
            table.HasCheckConstraint("ck_namespaces_state", "state IN ('disabled', 'pending', 'enabled')");
            table.HasCheckConstraint("ck_namespaces_awaited", "(awaited_intent IS NOT NULL) = (state = 'pending') AND awaited_intent IN ('create', 'reconfigure', 'enable')");
            table.HasCheckConstraint("ck_namespaces_bound_has_size", "state = 'disabled' OR size > 0");
            table.HasCheckConstraint("ck_namespaces_version", "version >= 1");
        });
        builder.HasKey(row => new { row.HostId, row.Id }).HasName("pk_namespaces");
        builder.HasOne<RegionRow>().WithMany().HasForeignKey(row => new { row.HostId, row.RegionId })
            .OnDelete(DeleteBehavior.Cascade).HasConstraintName("fk_namespaces_region");
        builder.ComplexProperty(row => row.Awaited, awaited =>
        {
            awaited.Property(bind => bind.Intent).HasColumnName("awaited_intent");
            awaited.Property(bind => bind.Personality).HasColumnName("awaited_personality");
            awaited.Property(bind => bind.PersonalityNumber).HasColumnName("awaited_personality_number");
            awaited.Property(bind => bind.NextNamespaceSeed).HasColumnName("awaited_next_namespace_seed");
            awaited.Property(bind => bind.NextPersonalitySeed).HasColumnName("awaited_next_personality_seed");
            awaited.Property(bind => bind.AutoRecover).HasColumnName("awaited_auto_recover");
        });
    }
}
