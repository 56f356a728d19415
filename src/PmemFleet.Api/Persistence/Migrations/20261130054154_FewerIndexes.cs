using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace PmemFleet.Api.Persistence.Migrations
{
    /// <inheritdoc />
    public partial class FewerIndexes : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            // nobody waits for who holds one of the tables, nor for this
            foreach (var index in new[] { "ix_operations_open", "ix_namespaces_region", "ix_namespaces_uuid" })
            {
                migrationBuilder.Sql($"DROP INDEX CONCURRENTLY IF EXISTS {index}", suppressTransaction: true);
            }
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateIndex(
                name: "ix_operations_open",
                table: "operations",
                column: "created_at",
                filter: "ended_at IS NULL");

            migrationBuilder.CreateIndex(
                name: "ix_namespaces_region",
                table: "namespaces",
                columns: new[] { "host_id", "region_id" });

            migrationBuilder.CreateIndex(
                name: "ix_namespaces_uuid",
                table: "namespaces",
                columns: new[] { "host_id", "uuid" });
        }
    }
}
