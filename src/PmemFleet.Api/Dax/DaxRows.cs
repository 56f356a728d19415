using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Namespaces;

namespace PmemFleet.Api.Dax;

/// <summary>A device-dax region. A bound devdax namespace gives one, but it stands for itself: the namespace is optional.</summary>
public sealed class DaxRegionRow : IHostDeviceRow
{
    public required Guid HostId { get; init; }

    public required Guid Id { get; init; }

    /// <summary>What daxctl prints as its id: the number of the region below.</summary>
    public required int Number { get; init; }

    public Guid? NamespaceId { get; init; }

    /// <summary>First system physical address of the data.</summary>
    public required long Start { get; set; }

    public required long Size { get; set; }

    public required long Align { get; set; }

    public required int TargetNode { get; init; }

    public long Version { get; set; } = 1;
}

/// <summary>A mappable dax device. There is none without a region.</summary>
public sealed class DaxDeviceRow : IHostDeviceRow
{
    public required Guid HostId { get; init; }

    public required Guid Id { get; init; }

    public required Guid DaxRegionId { get; init; }

    /// <summary>The R of <c>daxR.Y</c>.</summary>
    public required int RegionNumber { get; init; }

    /// <summary>The Y of <c>daxR.Y</c>: the namespace's number.</summary>
    public required int Number { get; set; }

    public required long Start { get; set; }

    public required long Size { get; set; }

    public required long Align { get; set; }

    /// <summary><c>devdax</c> or <c>system-ram</c>.</summary>
    public string Mode { get; set; } = "devdax";

    /// <summary>Memory blocks online; 0 unless it is system RAM.</summary>
    public int OnlineBlocks { get; set; }

    public bool Enabled { get; set; }

    public long Version { get; set; } = 1;

    public string Name => $"dax{RegionNumber}.{Number}";
}

public sealed class DaxRowsConfiguration : IEntityTypeConfiguration<DaxRegionRow>, IEntityTypeConfiguration<DaxDeviceRow>
{
    public void Configure(EntityTypeBuilder<DaxRegionRow> builder)
    {
        builder.ToTable("dax_regions", table =>
        {
            table.HasCheckConstraint("ck_dax_regions_align", "align IN (4096, 2097152, 1073741824)");
            table.HasCheckConstraint("ck_dax_regions_range", "start >= 0 AND size > 0 AND start % align = 0 AND size % align = 0");
        });
        builder.HasKey(region => new { region.HostId, region.Id }).HasName("pk_dax_regions");
        builder.HasOne<HostRow>().WithMany().HasForeignKey(region => region.HostId)
            .OnDelete(DeleteBehavior.Cascade).HasConstraintName("fk_dax_regions_host");
        builder.HasOne<NamespaceRow>().WithMany().HasForeignKey(region => new { region.HostId, region.NamespaceId })
            .OnDelete(DeleteBehavior.Cascade).HasConstraintName("fk_dax_regions_namespace");
        builder.HasIndex(region => new { region.HostId, region.NamespaceId }).IsUnique().HasDatabaseName("ux_dax_regions_namespace");
    }

    public void Configure(EntityTypeBuilder<DaxDeviceRow> builder)
    {
        builder.ToTable("dax_devices", table =>
        {
            table.HasCheckConstraint("ck_dax_devices_align", "align IN (4096, 2097152, 1073741824)");
            table.HasCheckConstraint("ck_dax_devices_range", "start >= 0 AND size > 0 AND start % align = 0 AND size % align = 0");
            table.HasCheckConstraint("ck_dax_devices_mode", "mode IN ('devdax', 'system-ram')");
            table.HasCheckConstraint("ck_dax_devices_online_blocks", "online_blocks >= 0 AND (mode = 'system-ram' OR online_blocks = 0)");
        });
        builder.HasKey(device => new { device.HostId, device.Id }).HasName("pk_dax_devices");
        builder.Ignore(device => device.Name);
        builder.HasOne<DaxRegionRow>().WithMany().HasForeignKey(device => new { device.HostId, device.DaxRegionId })
            .OnDelete(DeleteBehavior.Cascade).HasConstraintName("fk_dax_devices_region");
        builder.HasIndex(device => new { device.HostId, device.RegionNumber, device.Number }).IsUnique().HasDatabaseName("ux_dax_devices_name");
        builder.HasIndex(device => new { device.HostId, device.DaxRegionId }).HasDatabaseName("ix_dax_devices_region");
    }
}
