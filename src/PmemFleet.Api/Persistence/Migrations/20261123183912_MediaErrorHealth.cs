using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace PmemFleet.Api.Persistence.Migrations
{
    /// <inheritdoc />
    public partial class MediaErrorHealth : Migration
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

            migrationBuilder.AddCheckConstraint(
                name: "ck_dimm_media_counters",
                table: "dimm_media",
                sql: "epoch >= 0 AND observed_version >= 0 AND dirty_shutdown_count >= 0 AND scrub_count >= 0 AND poison_ranges >= 0 AND poison_bytes >= 0 AND known_ranges >= 0 AND known_bytes >= 0");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
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
