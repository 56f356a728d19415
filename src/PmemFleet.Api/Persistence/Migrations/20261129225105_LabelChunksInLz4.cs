using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace PmemFleet.Api.Persistence.Migrations
{
    /// <inheritdoc />
    public partial class LabelChunksInLz4 : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder) => ChunkCompression.Add(migrationBuilder);

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) => ChunkCompression.Remove(migrationBuilder);
    }
}
