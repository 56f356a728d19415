using Microsoft.EntityFrameworkCore.Migrations;

namespace PmemFleet.Api.Persistence;

/// <summary>
/// Pages of rows that every write changes are filled to a half only. A new version of a row that finds room on its own page needs no new entry in any index, and
/// its predecessor is cleared away by whoever meets it next.
/// </summary>
public static class PageRoom
{
    /// <summary>As the migration made it; others get theirs in a migration of their own.</summary>
    private static readonly string[] Tables = ["hosts", "dimms", "label_chunks", "regions", "namespaces", "operations"];

    /// <summary>In the <c>Up</c> of a migration.</summary>
    public static void Add(MigrationBuilder migration) => Set(migration, "SET (fillfactor = 50)");

    /// <summary>In its <c>Down</c>.</summary>
    public static void Remove(MigrationBuilder migration) => Set(migration, "RESET (fillfactor)");

    private static void Set(MigrationBuilder migration, string how)
    {
        foreach (var table in Tables)
        {
            migration.Sql($"ALTER TABLE {table} {how}");
        }
    }
}
