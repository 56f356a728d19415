using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace PmemFleet.Api.Persistence.Migrations
{
    /// <inheritdoc />
    public partial class MediaPools : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<bool>(
                name: "media_full",
                table: "workers",
                type: "boolean",
                nullable: false,
                defaultValue: false);

            migrationBuilder.CreateTable(
                name: "host_failures",
                columns: table => new
                {
                    host_id = table.Column<Guid>(type: "uuid", nullable: false),
                    worker_id = table.Column<Guid>(type: "uuid", nullable: false),
                    code = table.Column<string>(type: "text", nullable: false),
                    message = table.Column<string>(type: "text", nullable: false),
                    since = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_host_failures", x => x.host_id);
                    table.ForeignKey(
                        name: "fk_host_failures_host",
                        column: x => x.host_id,
                        principalTable: "hosts",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "media_pools",
                columns: table => new
                {
                    name = table.Column<string>(type: "text", nullable: false),
                    pool_id = table.Column<Guid>(type: "uuid", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_media_pools", x => x.name);
                });

            migrationBuilder.CreateIndex(
                name: "ix_host_failures_worker",
                table: "host_failures",
                column: "worker_id");

            migrationBuilder.CreateIndex(
                name: "ux_media_pools_pool",
                table: "media_pools",
                column: "pool_id",
                unique: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "host_failures");

            migrationBuilder.DropTable(
                name: "media_pools");

            migrationBuilder.DropColumn(
                name: "media_full",
                table: "workers");
        }
    }
}
