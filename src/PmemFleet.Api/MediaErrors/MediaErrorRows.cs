using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using PmemFleet.Api.Dimms;

namespace PmemFleet.Api.MediaErrors;

/// <summary>What a worker last saw of a DIMM. The newest (epoch, version) wins.</summary>
public sealed class DimmMediaRow
{
    public required Guid HostId { get; init; }

    public required Guid DimmId { get; init; }

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

    public required Guid DimmId { get; init; }

    public required long Dpa { get; init; }

    public required long Length { get; set; }

    /// <summary>On the media now.</summary>
    public required bool Poisoned { get; set; }

    /// <summary>The host knows.</summary>
    public required bool Known { get; set; }
}

public sealed class MediaErrorRowsConfiguration : IEntityTypeConfiguration<DimmMediaRow>, IEntityTypeConfiguration<MediaErrorRow>
{
    public void Configure(EntityTypeBuilder<DimmMediaRow> builder)
    {
        builder.ToTable("dimm_media", table =>
            table.HasCheckConstraint("ck_dimm_media_counters", "epoch >= 0 AND observed_version >= 0 AND dirty_shutdown_count >= 0 AND scrub_count >= 0 AND poison_ranges >= 0 AND poison_bytes >= 0 AND known_ranges >= 0 AND known_bytes >= 0"));
        builder.Property(media => media.Health).HasColumnType("json");
        builder.HasKey(media => new { media.HostId, media.DimmId }).HasName("pk_dimm_media");
        builder.HasOne<DimmRow>().WithMany().HasForeignKey(media => new { media.HostId, media.DimmId })
            .OnDelete(DeleteBehavior.Cascade).HasConstraintName("fk_dimm_media_dimm");
    }

    public void Configure(EntityTypeBuilder<MediaErrorRow> builder)
    {
        builder.ToTable("media_errors", table =>
        {
            table.HasCheckConstraint("ck_media_errors_range", "dpa >= 0 AND length > 0");
            table.HasCheckConstraint("ck_media_errors_state", "poisoned OR known");
        });
        builder.HasKey(error => new { error.HostId, error.DimmId, error.Dpa }).HasName("pk_media_errors");
        builder.HasOne<DimmRow>().WithMany().HasForeignKey(error => new { error.HostId, error.DimmId })
            .OnDelete(DeleteBehavior.Cascade).HasConstraintName("fk_media_errors_dimm");
    }
}
