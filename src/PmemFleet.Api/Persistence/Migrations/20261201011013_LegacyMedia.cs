using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace PmemFleet.Api.Persistence.Migrations
{
    /// <inheritdoc />
    public partial class LegacyMedia : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropForeignKey(
                name: "fk_dimm_media_dimm",
                table: "dimm_media");

            migrationBuilder.DropForeignKey(
                name: "fk_media_errors_dimm",
                table: "media_errors");

            migrationBuilder.AddColumn<Guid>(
                name: "region_id",
                table: "media_errors",
                type: "uuid",
                nullable: true);

            migrationBuilder.AddColumn<Guid>(
                name: "region_id",
                table: "dimm_media",
                type: "uuid",
                nullable: true);

            migrationBuilder.AddColumn<Guid>(
                name: "plugged_dimm_id",
                table: "media_errors",
                type: "uuid",
                nullable: true,
                computedColumnSql: "CASE WHEN region_id IS NULL THEN dimm_id END",
                stored: true);

            migrationBuilder.AddColumn<Guid>(
                name: "plugged_dimm_id",
                table: "dimm_media",
                type: "uuid",
                nullable: true,
                computedColumnSql: "CASE WHEN region_id IS NULL THEN dimm_id END",
                stored: true);

            migrationBuilder.AddCheckConstraint(
                name: "ck_media_errors_region",
                table: "media_errors",
                sql: "region_id = dimm_id");

            migrationBuilder.AddCheckConstraint(
                name: "ck_dimm_media_region",
                table: "dimm_media",
                sql: "region_id = dimm_id");

            migrationBuilder.AddForeignKey(
                name: "fk_dimm_media_dimm",
                table: "dimm_media",
                columns: new[] { "host_id", "plugged_dimm_id" },
                principalTable: "dimms",
                principalColumns: new[] { "host_id", "id" },
                onDelete: ReferentialAction.Cascade);

            migrationBuilder.AddForeignKey(
                name: "fk_dimm_media_region",
                table: "dimm_media",
                columns: new[] { "host_id", "region_id" },
                principalTable: "regions",
                principalColumns: new[] { "host_id", "id" },
                onDelete: ReferentialAction.Cascade);

            migrationBuilder.AddForeignKey(
                name: "fk_media_errors_dimm",
                table: "media_errors",
                columns: new[] { "host_id", "plugged_dimm_id" },
                principalTable: "dimms",
                principalColumns: new[] { "host_id", "id" },
                onDelete: ReferentialAction.Cascade);

            migrationBuilder.AddForeignKey(
                name: "fk_media_errors_region",
                table: "media_errors",
                columns: new[] { "host_id", "region_id" },
                principalTable: "regions",
                principalColumns: new[] { "host_id", "id" },
                onDelete: ReferentialAction.Cascade);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropForeignKey(
                name: "fk_dimm_media_dimm",
                table: "dimm_media");

            migrationBuilder.DropForeignKey(
                name: "fk_dimm_media_region",
                table: "dimm_media");

            migrationBuilder.DropForeignKey(
                name: "fk_media_errors_dimm",
                table: "media_errors");

            migrationBuilder.DropForeignKey(
                name: "fk_media_errors_region",
                table: "media_errors");

            migrationBuilder.DropCheckConstraint(
                name: "ck_media_errors_region",
                table: "media_errors");

            migrationBuilder.DropCheckConstraint(
                name: "ck_dimm_media_region",
                table: "dimm_media");

            migrationBuilder.DropColumn(
                name: "plugged_dimm_id",
                table: "media_errors");

            migrationBuilder.DropColumn(
                name: "plugged_dimm_id",
                table: "dimm_media");

            migrationBuilder.DropColumn(
                name: "region_id",
                table: "media_errors");

            migrationBuilder.DropColumn(
                name: "region_id",
                table: "dimm_media");

            migrationBuilder.AddForeignKey(
                name: "fk_dimm_media_dimm",
                table: "dimm_media",
                columns: new[] { "host_id", "dimm_id" },
                principalTable: "dimms",
                principalColumns: new[] { "host_id", "id" },
                onDelete: ReferentialAction.Cascade);

            migrationBuilder.AddForeignKey(
                name: "fk_media_errors_dimm",
                table: "media_errors",
                columns: new[] { "host_id", "dimm_id" },
                principalTable: "dimms",
                principalColumns: new[] { "host_id", "id" },
                onDelete: ReferentialAction.Cascade);
        }
    }
}
