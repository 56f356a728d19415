using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace PmemFleet.Api.Persistence.Migrations
{
    /// <inheritdoc />
    public partial class PersonalitiesTradePlaces : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            foreach (var statement in ExclusionConstraints.PersonalityOfANamespace)
            {
                migrationBuilder.Sql(statement);
            }
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql("ALTER TABLE personalities DROP CONSTRAINT ux_personalities_namespace");
            migrationBuilder.CreateIndex(
                name: "ux_personalities_namespace",
                table: "personalities",
                columns: new[] { "host_id", "region_id", "namespace_number" },
                unique: true,
                filter: "namespace_number IS NOT NULL");
        }
    }
}
