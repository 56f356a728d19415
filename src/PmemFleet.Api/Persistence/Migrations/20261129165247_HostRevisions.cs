using System;
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
            migrationBuilder.AddColumn<Guid>(
                name: "revision",
                table: "hosts",
                type: "uuid",
                nullable: false,
                defaultValue: new Guid("00000000-0000-0000-0000-000000000000"));
            Hosts.HostRevisions.Add(migrationBuilder);
            PageRoom.Add(migrationBuilder);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            PageRoom.Remove(migrationBuilder);
            Hosts.HostRevisions.Remove(migrationBuilder);
            migrationBuilder.DropColumn(
                name: "revision",
                table: "hosts");
        }
    }
}
