using Microsoft.EntityFrameworkCore.Migrations;

namespace PmemFleet.Api.Persistence;

/// <summary>
/// The chunks of label areas are mostly zeroes, and two of them change with most commands. PostgreSQL's own compression of them was the most expensive part of a
/// write's statements; LZ4 takes hardly any time for it. A server that was built without LZ4, or is too old for it, keeps its own.
/// </summary>
public static class ChunkCompression
{
    /// <summary>In the <c>Up</c> of a migration. Chunks that are there stay as they are until they change.</summary>
    public static void Add(MigrationBuilder migration) => Set(migration, "lz4");

    /// <summary>In its <c>Down</c>.</summary>
    public static void Remove(MigrationBuilder migration) => Set(migration, "default");

    private static void Set(MigrationBuilder migration, string method) => migration.Sql(
        $"""
        DO $$
        BEGIN
            EXECUTE 'ALTER TABLE label_chunks ALTER COLUMN content SET COMPRESSION {method}';
        EXCEPTION WHEN feature_not_supported OR syntax_error THEN
            NULL;
        END
        $$
        """);
}
