using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace PmemFleet.Api.Campaigns;

/// <summary>A campaign. How far it is, and how it ended, is its operation's.</summary>
public sealed class CampaignRow
{
    public required Guid Id { get; init; }

    public required Guid OperationId { get; init; }

    /// <summary>What was asked for, as JSON.</summary>
    public required string Request { get; init; }

    public required int Hosts { get; init; }

    public int HostsDone { get; set; }

    /// <summary>A part of it was cancelled.</summary>
    public bool Cancelled { get; set; }

    /// <summary>What came of it, as JSON.</summary>
    public string? Result { get; set; }

    /// <summary>The event log, compressed by gzip.</summary>
    public byte[]? Log { get; set; }

    public required DateTimeOffset CreatedAt { get; init; }
}

/// <summary>A host's part of a campaign that is not at its end yet.</summary>
public sealed class CampaignPartRow
{
    public required Guid CampaignId { get; init; }

    public required Guid TaskId { get; init; }

    /// <summary>Counts and log, as JSON.</summary>
    public required string Part { get; init; }
}

public sealed class CampaignRowsConfiguration : IEntityTypeConfiguration<CampaignRow>, IEntityTypeConfiguration<CampaignPartRow>
{
    public void Configure(EntityTypeBuilder<CampaignRow> builder)
    {
        builder.ToTable("campaigns", table => table.HasCheckConstraint("ck_campaigns_hosts", "hosts >= 1 AND hosts_done BETWEEN 0 AND hosts"));
        builder.HasKey(campaign => campaign.Id).HasName("pk_campaigns");
        builder.Property(campaign => campaign.Id).ValueGeneratedNever();
        builder.Property(campaign => campaign.Request).HasColumnType("json");
        builder.Property(campaign => campaign.Result).HasColumnType("json");
        builder.HasIndex(campaign => campaign.OperationId).IsUnique().HasDatabaseName("ux_campaigns_operation");
    }

    public void Configure(EntityTypeBuilder<CampaignPartRow> builder)
    {
        builder.ToTable("campaign_parts");
        builder.HasKey(part => new { part.CampaignId, part.TaskId }).HasName("pk_campaign_parts");
        builder.Property(part => part.Part).HasColumnType("json");
        builder.HasOne<CampaignRow>().WithMany().HasForeignKey(part => part.CampaignId)
            .OnDelete(DeleteBehavior.Cascade).HasConstraintName("fk_campaign_parts_campaign");
    }
}
