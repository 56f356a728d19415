using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace PmemFleet.Api.Persistence.Migrations
{
    /// <inheritdoc />
    public partial class WorkloadsAndSystemRam : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<int>(
                name: "online_blocks",
                table: "dax_devices",
                type: "integer",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.CreateTable(
                name: "workloads",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    name = table.Column<string>(type: "text", nullable: true),
                    host_name = table.Column<string>(type: "text", nullable: true),
                    operation_id = table.Column<Guid>(type: "uuid", nullable: false),
                    spec = table.Column<string>(type: "json", nullable: false),
                    result = table.Column<string>(type: "json", nullable: true),
                    figures = table.Column<string>(type: "json", nullable: true),
                    result_sha256 = table.Column<string>(type: "text", nullable: true),
                    ended_by_power_cut = table.Column<bool>(type: "boolean", nullable: false),
                    actor = table.Column<string>(type: "text", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_workloads", x => x.id);
                    table.CheckConstraint("ck_workloads_result", "(result IS NULL) = (result_sha256 IS NULL) AND (result IS NULL) = (figures IS NULL)");
                    table.ForeignKey(
                        name: "fk_workloads_operation",
                        column: x => x.operation_id,
                        principalTable: "operations",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Restrict);
                });

            migrationBuilder.AddCheckConstraint(
                name: "ck_dax_devices_online_blocks",
                table: "dax_devices",
                sql: "online_blocks >= 0 AND (mode = 'system-ram' OR online_blocks = 0)");

            migrationBuilder.CreateIndex(
                name: "ix_workloads_host",
                table: "workloads",
                columns: new[] { "host_name", "id" });

            migrationBuilder.CreateIndex(
                name: "ux_workloads_operation",
                table: "workloads",
                column: "operation_id",
                unique: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "workloads");

            migrationBuilder.DropCheckConstraint(
                name: "ck_dax_devices_online_blocks",
                table: "dax_devices");

            migrationBuilder.DropColumn(
                name: "online_blocks",
                table: "dax_devices");
        }
    }
}
