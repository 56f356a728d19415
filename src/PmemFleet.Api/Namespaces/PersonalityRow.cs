using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Regions;

namespace PmemFleet.Api.Namespaces;

/// <summary>A BTT, PFN or DAX device of a region, the idle seeds included.</summary>
public sealed class PersonalityRow : IHostDeviceRow
{
    public const string Btt = "btt";
    public const string Pfn = "pfn";
    public const string Dax = "dax";

    public required Guid HostId { get; init; }

    public required Guid RegionId { get; init; }

    /// <summary><see cref="Btt"/>, <see cref="Pfn"/> or <see cref="Dax"/>.</summary>
    public required string Kind { get; init; }

    /// <summary>The Y of <c>bttR.Y</c>.</summary>
    public required int Number { get; init; }

    public Guid? Uuid { get; set; }

    /// <summary>BTT: external sector size.</summary>
    public long? SectorSize { get; set; }

    /// <summary>PFN, DAX: <c>mem</c> or <c>dev</c>.</summary>
    public string? Map { get; set; }

    public long Align { get; set; }

    /// <summary>Number of the namespace it is attached to.</summary>
    public int? NamespaceNumber { get; set; }

    public BoundColumns? Bound { get; set; }
}

/// <summary>What a personality's bind found or made on the media.</summary>
public sealed record BoundColumns
{
    public required Guid Uuid { get; init; }

    /// <summary>Usable bytes.</summary>
    public required long Size { get; init; }

    /// <summary>BTT: external sector size.</summary>
    public long? SectorSize { get; init; }

    /// <summary>BTT: <c>1.1</c> or <c>2.0</c>.</summary>
    public string? Version { get; init; }

    /// <summary>PFN, DAX: <c>mem</c> or <c>dev</c>.</summary>
    public string? Map { get; init; }

    public long? Align { get; init; }

    /// <summary>From the namespace's start, without the pad.</summary>
    public long? DataOffset { get; init; }

    public long? StartPad { get; init; }

    public long? EndTrunc { get; init; }

    public long? PageCount { get; init; }
}

public sealed class PersonalityRowConfiguration : IEntityTypeConfiguration<PersonalityRow>
{
    public void Configure(EntityTypeBuilder<PersonalityRow> builder)
    {
        builder.ToTable("personalities", table =>
        {
            table.HasCheckConstraint("ck_personalities_kind", "kind IN ('btt', 'pfn', 'dax')");
            table.HasCheckConstraint("ck_personalities_number", "number >= 0");
            table.HasCheckConstraint("ck_personalities_map", "map IN ('mem', 'dev')");
            table.HasCheckConstraint("ck_personalities_bound", "bound_uuid IS NULL OR (namespace_number IS NOT NULL AND bound_size > 0)");
            table.HasCheckConstraint("ck_personalities_bound_kind", "bound_uuid IS NULL OR (kind = 'btt') = (bound_version IS NOT NULL)");
        });
        builder.HasKey(row => new { row.HostId, row.RegionId, row.Kind, row.Number }).HasName("pk_personalities");
        builder.HasOne<RegionRow>().WithMany().HasForeignKey(row => new { row.HostId, row.RegionId })
            .OnDelete(DeleteBehavior.Cascade).HasConstraintName("fk_personalities_region");
        builder.ComplexProperty(row => row.Bound, bound =>
        {
            bound.Property(found => found.Uuid).HasColumnName("bound_uuid");
            bound.Property(found => found.Size).HasColumnName("bound_size");
            bound.Property(found => found.SectorSize).HasColumnName("bound_sector_size");
            bound.Property(found => found.Version).HasColumnName("bound_version");
            bound.Property(found => found.Map).HasColumnName("bound_map");
            bound.Property(found => found.Align).HasColumnName("bound_align");
            bound.Property(found => found.DataOffset).HasColumnName("bound_data_offset");
            bound.Property(found => found.StartPad).HasColumnName("bound_start_pad");
            bound.Property(found => found.EndTrunc).HasColumnName("bound_end_trunc");
            bound.Property(found => found.PageCount).HasColumnName("bound_page_count");
        });
    }
}
