using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace PmemFleet.Api.Persistence.Migrations
{
    /// <inheritdoc />
    public partial class HostRevisions : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<long>(
                name: "revision",
                table: "hosts",
                type: "bigint",
                nullable: false,
                defaultValue: 0L);
            Hosts.HostRevisions.Add(migrationBuilder);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            Hosts.HostRevisions.Remove(migrationBuilder);
            migrationBuilder.DropColumn(
                name: "revision",
                table: "hosts");
        }
    }
}
