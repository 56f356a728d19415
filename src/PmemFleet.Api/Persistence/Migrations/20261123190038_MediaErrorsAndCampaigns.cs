using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace PmemFleet.Api.Persistence.Migrations
{
    /// <inheritdoc />
    public partial class MediaErrorsAndCampaigns : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropCheckConstraint(
                name: "ck_dimm_media_counters",
                table: "dimm_media");

            migrationBuilder.AddColumn<string>(
                name: "health",
                table: "dimm_media",
                type: "json",
                nullable: true);

            migrationBuilder.AddColumn<long>(
                name: "known_bytes",
                table: "dimm_media",
                type: "bigint",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<long>(
                name: "known_ranges",
                table: "dimm_media",
                type: "bigint",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<long>(
                name: "poison_bytes",
                table: "dimm_media",
                type: "bigint",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<long>(
                name: "poison_ranges",
                table: "dimm_media",
                type: "bigint",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.CreateTable(
                name: "campaigns",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    operation_id = table.Column<Guid>(type: "uuid", nullable: false),
                    request = table.Column<string>(type: "json", nullable: false),
                    hosts = table.Column<int>(type: "integer", nullable: false),
                    hosts_done = table.Column<int>(type: "integer", nullable: false),
                    cancelled = table.Column<bool>(type: "boolean", nullable: false),
                    result = table.Column<string>(type: "json", nullable: true),
                    log = table.Column<byte[]>(type: "bytea", nullable: true),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_campaigns", x => x.id);
                    table.CheckConstraint("ck_campaigns_hosts", "hosts >= 1 AND hosts_done BETWEEN 0 AND hosts");
                });

            migrationBuilder.CreateTable(
                name: "campaign_parts",
                columns: table => new
                {
                    campaign_id = table.Column<Guid>(type: "uuid", nullable: false),
                    task_id = table.Column<Guid>(type: "uuid", nullable: false),
                    part = table.Column<string>(type: "json", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_campaign_parts", x => new { x.campaign_id, x.task_id });
                    table.ForeignKey(
                        name: "fk_campaign_parts_campaign",
                        column: x => x.campaign_id,
                        principalTable: "campaigns",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.AddCheckConstraint(
                name: "ck_dimm_media_counters",
                table: "dimm_media",
                sql: "epoch >= 0 AND observed_version >= 0 AND dirty_shutdown_count >= 0 AND scrub_count >= 0 AND poison_ranges >= 0 AND poison_bytes >= 0 AND known_ranges >= 0 AND known_bytes >= 0");

            migrationBuilder.CreateIndex(
                name: "ux_campaigns_operation",
                table: "campaigns",
                column: "operation_id",
                unique: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "campaign_parts");

            migrationBuilder.DropTable(
                name: "campaigns");

            migrationBuilder.DropCheckConstraint(
                name: "ck_dimm_media_counters",
                table: "dimm_media");

            migrationBuilder.DropColumn(
                name: "health",
                table: "dimm_media");

            migrationBuilder.DropColumn(
                name: "known_bytes",
                table: "dimm_media");

            migrationBuilder.DropColumn(
                name: "known_ranges",
                table: "dimm_media");

            migrationBuilder.DropColumn(
                name: "poison_bytes",
                table: "dimm_media");

            migrationBuilder.DropColumn(
                name: "poison_ranges",
                table: "dimm_media");

            migrationBuilder.AddCheckConstraint(
                name: "ck_dimm_media_counters",
                table: "dimm_media",
                sql: "epoch >= 0 AND observed_version >= 0 AND dirty_shutdown_count >= 0 AND scrub_count >= 0");
        }
    }
}
