using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using PmemFleet.Api.Dimms;
using PmemFleet.Api.Hosts;

namespace PmemFleet.Api.Regions;

/// <summary>A region of a host. No two overlap in physical space: <c>ex_regions_overlap</c>.</summary>
public sealed class RegionRow : IHostDeviceRow
{
    public required Guid HostId { get; init; }

    public required Guid Id { get; init; }

    /// <summary>The N of <c>regionN</c>.</summary>
    public required int Number { get; init; }

    /// <summary><c>nfit</c> or <c>legacy</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>System physical address.</summary>
    public required long Start { get; init; }

    /// <summary>Bytes.</summary>
    public required long Size { get; init; }

    /// <summary>Unit of namespace sizes.</summary>
    public required long Align { get; set; }

    public bool ReadOnly { get; set; }

    public bool Enabled { get; set; }

    /// <summary><c>unknown</c>, <c>cpu_cache</c> or <c>memory_controller</c>.</summary>
    public required string PersistenceDomain { get; init; }

    public int NumaNode { get; init; }

    public int TargetNode { get; init; }

    public bool HasFlushHints { get; init; }

    /// <summary>Namespaces the last probe found or made.</summary>
    public int InitialNamespaces { get; set; }

    /// <summary>Number of the idle namespace.</summary>
    public int? NamespaceSeed { get; set; }

    public int? BttSeed { get; set; }

    public int? PfnSeed { get; set; }

    public int? DaxSeed { get; set; }

    /// <summary>Probed: 4 label-less, 5 labelled.</summary>
    public int NamespaceType { get; set; } = 4;

    /// <summary>Probed: the interleave-set cookie in use; null where there are no DIMMs.</summary>
    public string? IsetId { get; set; }

    /// <summary>Probed: bytes no namespace holds; null for a label-less region without DIMMs.</summary>
    public long? AvailableSize { get; set; }

    public long? MaxAvailableExtent { get; set; }

    public long Version { get; set; } = 1;

    public string Name => $"region{Number}";

    /// <summary>A range without DIMMs.</summary>
    public bool IsLegacy => Kind == RegionTexts.Legacy;
}

/// <summary>A DIMM's share of a region. No DPA is in two regions: <c>ex_region_mappings_overlap</c>.</summary>
public sealed class RegionMappingRow : IHostDeviceRow
{
    public required Guid HostId { get; init; }

    public required Guid RegionId { get; init; }

    /// <summary>Place in the region's list of mappings.</summary>
    public required int Index { get; init; }

    public required Guid DimmId { get; init; }

    public required long DpaStart { get; init; }

    public required long Length { get; init; }

    /// <summary>Place in the interleave order.</summary>
    public required int Position { get; set; }

    /// <summary>NFIT region offset, which the set's cookies are made of.</summary>
    public required long RegionOffset { get; init; }
}

public sealed class RegionRowConfiguration : IEntityTypeConfiguration<RegionRow>, IEntityTypeConfiguration<RegionMappingRow>
{
    public void Configure(EntityTypeBuilder<RegionRow> builder)
    {
        builder.ToTable("regions", table =>
        {
            table.HasCheckConstraint("ck_regions_number", "number >= 0");
            table.HasCheckConstraint("ck_regions_kind", "kind IN ('nfit', 'legacy')");
            table.HasCheckConstraint("ck_regions_range", "start >= 0 AND size > 0 AND start % 4096 = 0 AND size % 4096 = 0");
            table.HasCheckConstraint("ck_regions_align", "align >= 4096 AND align <= size");
            table.HasCheckConstraint("ck_regions_persistence_domain", "persistence_domain IN ('unknown', 'cpu_cache', 'memory_controller')");
            table.HasCheckConstraint("ck_regions_namespace_type", "namespace_type IN (4, 5)");
            table.HasCheckConstraint("ck_regions_available", "available_size BETWEEN 0 AND size AND max_available_extent BETWEEN 0 AND size");
            table.HasCheckConstraint("ck_regions_version", "version >= 1");
        });
        builder.HasKey(region => new { region.HostId, region.Id }).HasName("pk_regions");
        builder.HasIndex(region => new { region.HostId, region.Number }).IsUnique().HasDatabaseName("ux_regions_number");
        builder.Ignore(region => region.Name);
        builder.Ignore(region => region.IsLegacy);
        builder.HasOne<HostRow>().WithMany().HasForeignKey(region => region.HostId)
            .OnDelete(DeleteBehavior.Cascade).HasConstraintName("fk_regions_host");
    }

    public void Configure(EntityTypeBuilder<RegionMappingRow> builder)
    {
        builder.ToTable("region_mappings", table =>
        {
            table.HasCheckConstraint("ck_region_mappings_index", "index BETWEEN 0 AND 31");
            table.HasCheckConstraint("ck_region_mappings_position", "position BETWEEN 0 AND 31");
            table.HasCheckConstraint("ck_region_mappings_range", "dpa_start >= 0 AND length > 0 AND dpa_start % 4096 = 0 AND length % 4096 = 0");
        });
        builder.HasKey(mapping => new { mapping.HostId, mapping.RegionId, mapping.Index }).HasName("pk_region_mappings");
        builder.HasOne<RegionRow>().WithMany().HasForeignKey(mapping => new { mapping.HostId, mapping.RegionId })
            .OnDelete(DeleteBehavior.Cascade).HasConstraintName("fk_region_mappings_region");
        builder.HasOne<DimmRow>().WithMany().HasForeignKey(mapping => new { mapping.HostId, mapping.DimmId })
            .OnDelete(DeleteBehavior.NoAction).HasConstraintName("fk_region_mappings_dimm");
        builder.HasIndex(mapping => new { mapping.HostId, mapping.RegionId, mapping.DimmId }).IsUnique().HasDatabaseName("ux_region_mappings_dimm");
        builder.HasIndex(mapping => new { mapping.HostId, mapping.DimmId }).HasDatabaseName("ix_region_mappings_dimm");
    }
}
