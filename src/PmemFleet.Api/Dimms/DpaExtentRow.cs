using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Namespaces;

namespace PmemFleet.Api.Dimms;

/// <summary>
/// A range of a DIMM that a label reserves. No two of a DIMM overlap: <c>ex_dpa_extents_overlap</c> (<see cref="Persistence.ExclusionConstraints"/>).
/// </summary>
public sealed class DpaExtentRow : IHostDeviceRow
{
    public required Guid HostId { get; init; }

    public required Guid DimmId { get; init; }

    /// <summary>First DPA.</summary>
    public required long DpaStart { get; init; }

    /// <summary>Bytes.</summary>
    public required long Length { get; set; }

    /// <summary>The label's uuid.</summary>
    public required Guid Owner { get; set; }

    /// <summary>The namespace it belongs to; null where its label is reserved but makes no namespace (a foreign cookie, a disabled region).</summary>
    public Guid? NamespaceId { get; set; }
}

public sealed class DpaExtentRowConfiguration : IEntityTypeConfiguration<DpaExtentRow>
{
    public void Configure(EntityTypeBuilder<DpaExtentRow> builder)
    {
        builder.ToTable("dpa_extents", table =>
            table.HasCheckConstraint("ck_dpa_extents_range", "dpa_start >= 0 AND length > 0"));
        builder.HasKey(extent => new { extent.HostId, extent.DimmId, extent.DpaStart }).HasName("pk_dpa_extents");
        builder.HasOne<DimmRow>().WithMany().HasForeignKey(extent => new { extent.HostId, extent.DimmId })
            .OnDelete(DeleteBehavior.Cascade).HasConstraintName("fk_dpa_extents_dimm");
        builder.HasOne<NamespaceRow>().WithMany().HasForeignKey(extent => new { extent.HostId, extent.NamespaceId })
            .OnDelete(DeleteBehavior.Cascade).HasConstraintName("fk_dpa_extents_namespace");
        builder.HasIndex(extent => new { extent.HostId, extent.NamespaceId }).HasDatabaseName("ix_dpa_extents_namespace");
    }
}
