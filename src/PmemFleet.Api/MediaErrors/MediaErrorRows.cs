using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using PmemFleet.Api.Dimms;
using PmemFleet.Api.Regions;

namespace PmemFleet.Api.MediaErrors;

/// <summary>What a worker last saw of a DIMM. The newest (epoch, version) wins.</summary>
public sealed class DimmMediaRow
{
    public required Guid HostId { get; init; }

    /// <summary>The DIMM, or the legacy region that the media is of.</summary>
    public required Guid DimmId { get; init; }

    /// <summary>The legacy region; null for a DIMM.</summary>
    public Guid? RegionId { get; init; }

    public required long Epoch { get; set; }

    public required long ObservedVersion { get; set; }

    public long DirtyShutdownCount { get; set; }

    public long ScrubCount { get; set; }

    /// <summary>Ranges that are poisoned: of them all, where the rows have the first only.</summary>
    public long PoisonRanges { get; set; }

    public long PoisonBytes { get; set; }

    public long KnownRanges { get; set; }

    public long KnownBytes { get; set; }

    /// <summary>Health, firmware and security (<c>DimmHealthDto</c> as JSON).</summary>
    public string? Health { get; set; }
}

/// <summary>A range of a DIMM that is poisoned, or that the host's bus lists as bad, or both. No two of a DIMM overlap.</summary>
public sealed class MediaErrorRow
{
    public required Guid HostId { get; init; }

    /// <summary>The DIMM, or the legacy region that the media is of.</summary>
    public required Guid DimmId { get; init; }

    /// <summary>The legacy region; null for a DIMM.</summary>
    public Guid? RegionId { get; init; }

    public required long Dpa { get; init; }

    public required long Length { get; set; }

    /// <summary>On the media now.</summary>
    public required bool Poisoned { get; set; }

    /// <summary>The host knows.</summary>
    public required bool Known { get; set; }
}

/// <summary>A row goes with its DIMM or with its legacy region. A generated column refers to the DIMM, and is null in a row of a region.</summary>
public sealed class MediaErrorRowsConfiguration : IEntityTypeConfiguration<DimmMediaRow>, IEntityTypeConfiguration<MediaErrorRow>
{
    private const string PluggedDimmId = "PluggedDimmId";
    private const string OfADimm = "CASE WHEN region_id IS NULL THEN dimm_id END";

    public void Configure(EntityTypeBuilder<DimmMediaRow> builder)
    {
        builder.ToTable("dimm_media", table =>
        {
            table.HasCheckConstraint("ck_dimm_media_region", "region_id = dimm_id");
            table.HasCheckConstraint("ck_dimm_media_counters", "epoch >= 0 AND observed_version >= 0 AND dirty_shutdown_count >= 0 AND scrub_count >= 0 AND poison_ranges >= 0 AND poison_bytes >= 0 AND known_ranges >= 0 AND known_bytes >= 0");
        });
        builder.Property(media => media.Health).HasColumnType("json");
        builder.HasKey(media => new { media.HostId, media.DimmId }).HasName("pk_dimm_media");
        builder.Property<Guid?>(PluggedDimmId).HasComputedColumnSql(OfADimm, stored: true);
        builder.HasOne<DimmRow>().WithMany().HasForeignKey(nameof(DimmMediaRow.HostId), PluggedDimmId)
            .OnDelete(DeleteBehavior.Cascade).HasConstraintName("fk_dimm_media_dimm");
        builder.HasOne<RegionRow>().WithMany().HasForeignKey(media => new { media.HostId, media.RegionId })
            .OnDelete(DeleteBehavior.Cascade).HasConstraintName("fk_dimm_media_region");
    }

    public void Configure(EntityTypeBuilder<MediaErrorRow> builder)
    {
        builder.ToTable("media_errors", table =>
        {
            table.HasCheckConstraint("ck_media_errors_range", "dpa >= 0 AND length > 0");
            table.HasCheckConstraint("ck_media_errors_region", "region_id = dimm_id");
            table.HasCheckConstraint("ck_media_errors_state", "poisoned OR known");
        });
        builder.HasKey(error => new { error.HostId, error.DimmId, error.Dpa }).HasName("pk_media_errors");
        builder.Property<Guid?>(PluggedDimmId).HasComputedColumnSql(OfADimm, stored: true);
        builder.HasOne<DimmRow>().WithMany().HasForeignKey(nameof(MediaErrorRow.HostId), PluggedDimmId)
            .OnDelete(DeleteBehavior.Cascade).HasConstraintName("fk_media_errors_dimm");
        builder.HasOne<RegionRow>().WithMany().HasForeignKey(error => new { error.HostId, error.RegionId })
            .OnDelete(DeleteBehavior.Cascade).HasConstraintName("fk_media_errors_region");
    }
}
