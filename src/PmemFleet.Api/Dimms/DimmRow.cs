using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using PmemFleet.Api.Hosts;

namespace PmemFleet.Api.Dimms;

/// <summary>An NVDIMM of a host.</summary>
public sealed class DimmRow : IHostDeviceRow
{
    public required Guid HostId { get; init; }

    public required Guid Id { get; init; }

    /// <summary>The N of <c>nmemN</c>.</summary>
    public required int Number { get; init; }

    /// <summary>Bytes of DPA space.</summary>
    public required long Capacity { get; init; }

    /// <summary>Bytes of label area, 0 for none.</summary>
    public required int LabelSize { get; init; }

    public required long Handle { get; init; }

    public required int PhysicalId { get; init; }

    public required long SerialNumber { get; init; }

    /// <summary>Raw little-endian field of the NFIT.</summary>
    public required int VendorId { get; init; }

    public required int ManufacturingDate { get; init; }

    public required int ManufacturingLocation { get; init; }

    /// <summary>ndctl's <c>id</c>: vendor, location and date where they are given, serial.</summary>
    public required string UniqueId { get; init; }

    /// <summary>Bytes one clear-error command covers.</summary>
    public required int ClearErrorUnit { get; init; }

    /// <summary>NFIT conditions (<c>DimmConditions</c>): 8 is "not armed".</summary>
    public int Conditions { get; set; }

    public string? Security { get; set; }

    public bool Locked { get; set; }

    public bool Aliases { get; init; }

    public bool Enabled { get; set; }

    public bool Labelling { get; set; }

    /// <summary>Probed: <c>1.1</c>, <c>1.2</c>, or null where no index block is valid.</summary>
    public string? LabelVersion { get; set; }

    /// <summary>Probed: label slots a caller can still use.</summary>
    public int? AvailableSlots { get; set; }

    public long Version { get; set; } = 1;

    public string Name => $"nmem{Number}";
}

/// <summary>A piece of a label area that was ever written. Its offset is <see cref="Index"/> times 4 KiB.</summary>
public sealed class LabelChunkRow : IHostDeviceRow
{
    public required Guid HostId { get; init; }

    public required Guid DimmId { get; init; }

    public required int Index { get; init; }

    public required byte[] Content { get; set; }
}

public sealed class DimmRowConfiguration : IEntityTypeConfiguration<DimmRow>, IEntityTypeConfiguration<LabelChunkRow>
{
    public void Configure(EntityTypeBuilder<DimmRow> builder)
    {
        builder.ToTable("dimms", table =>
        {
            table.HasCheckConstraint("ck_dimms_number", "number >= 0");
            table.HasCheckConstraint("ck_dimms_capacity", "capacity BETWEEN 16777216 AND 17592186044416 AND capacity % 4096 = 0");
            table.HasCheckConstraint("ck_dimms_label_size", "label_size = 0 OR label_size BETWEEN 1024 AND 16777216");
            table.HasCheckConstraint("ck_dimms_nfit", "handle BETWEEN 0 AND 4294967295 AND physical_id BETWEEN 0 AND 65535 AND serial_number BETWEEN 0 AND 4294967295");
            table.HasCheckConstraint("ck_dimms_vendor", "vendor_id BETWEEN 0 AND 65535 AND manufacturing_date BETWEEN 0 AND 65535 AND manufacturing_location BETWEEN 0 AND 255");
            table.HasCheckConstraint("ck_dimms_clear_error_unit", "clear_error_unit BETWEEN 64 AND 4096 AND (clear_error_unit & (clear_error_unit - 1)) = 0");
            table.HasCheckConstraint("ck_dimms_security", "security IN ('disabled', 'unlocked', 'locked', 'frozen', 'overwrite')");
            table.HasCheckConstraint("ck_dimms_label_version", "label_version IN ('1.1', '1.2')");
            table.HasCheckConstraint("ck_dimms_version", "version >= 1");
        });
        builder.HasKey(dimm => new { dimm.HostId, dimm.Id }).HasName("pk_dimms");
        builder.HasIndex(dimm => new { dimm.HostId, dimm.Number }).IsUnique().HasDatabaseName("ux_dimms_number");
        builder.HasIndex(dimm => new { dimm.HostId, dimm.Handle }).IsUnique().HasDatabaseName("ux_dimms_handle");
        builder.Ignore(dimm => dimm.Name);
        builder.HasOne<HostRow>().WithMany().HasForeignKey(dimm => dimm.HostId)
            .OnDelete(DeleteBehavior.Cascade).HasConstraintName("fk_dimms_host");
    }

    public void Configure(EntityTypeBuilder<LabelChunkRow> builder)
    {
        builder.ToTable("label_chunks", table =>
        {
            table.HasCheckConstraint("ck_label_chunks_index", "index BETWEEN 0 AND 4095");
            table.HasCheckConstraint("ck_label_chunks_content", "octet_length(content) BETWEEN 1 AND 4096");
        });
        builder.HasKey(chunk => new { chunk.HostId, chunk.DimmId, chunk.Index }).HasName("pk_label_chunks");
        builder.HasOne<DimmRow>().WithMany().HasForeignKey(chunk => new { chunk.HostId, chunk.DimmId })
            .OnDelete(DeleteBehavior.Cascade).HasConstraintName("fk_label_chunks_dimm");
    }
}
