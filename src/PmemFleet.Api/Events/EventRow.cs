using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace PmemFleet.Api.Events;

/// <summary>
/// One change. The writer leaves <see cref="Seq"/> empty; <see cref="EventSequencer"/> numbers what is committed. So numbers
/// have no gap, a late commit comes later in the sequence, and writers never wait for each other.
/// </summary>
public sealed class EventRow
{
    /// <summary>Order of insertion: what depends on an event was inserted after it.</summary>
    public long Id { get; init; }

    /// <summary>Position in the one sequence of the fleet; null until it is numbered.</summary>
    public long? Seq { get; set; }

    public required string Type { get; init; }

    public string? Host { get; init; }

    public string? Subject { get; init; }

    public required string Actor { get; init; }

    /// <summary>Details as JSON.</summary>
    public string? Data { get; init; }

    public required DateTimeOffset At { get; init; }
}

/// <summary>The one row with the newest number given and the oldest event kept.</summary>
public sealed class EventCounterRow
{
    public int Id { get; init; } = 1;

    public long LastSeq { get; set; }

    /// <summary>Events up to this one were compacted away.</summary>
    public long CompactedSeq { get; set; }
}

public sealed class EventRowConfiguration : IEntityTypeConfiguration<EventRow>, IEntityTypeConfiguration<EventCounterRow>
{
    public void Configure(EntityTypeBuilder<EventRow> builder)
    {
        builder.ToTable("events", table => table.HasCheckConstraint("ck_events_seq", "seq >= 1"));
        builder.HasKey(row => row.Id).HasName("pk_events");
        builder.Property(row => row.Id).UseIdentityAlwaysColumn();
        builder.Property(row => row.Data).HasColumnType("jsonb");
        builder.HasIndex(row => row.Seq).IsUnique().HasFilter("seq IS NOT NULL").HasDatabaseName("ux_events_seq");
        builder.HasIndex(row => row.Id).HasFilter("seq IS NULL").HasDatabaseName("ix_events_unnumbered");
    }

    public void Configure(EntityTypeBuilder<EventCounterRow> builder)
    {
        builder.ToTable("event_counter", table =>
        {
            table.HasCheckConstraint("ck_event_counter_one_row", "id = 1");
            table.HasCheckConstraint("ck_event_counter_compacted", "compacted_seq >= 0 AND compacted_seq <= last_seq");
        });
        builder.HasKey(row => row.Id).HasName("pk_event_counter");
        builder.Property(row => row.Id).ValueGeneratedNever();
        builder.HasData(new { Id = 1, LastSeq = 0L, CompactedSeq = 0L });
    }
}
