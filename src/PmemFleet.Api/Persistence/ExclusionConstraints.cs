using System.Collections.Immutable;
using Microsoft.EntityFrameworkCore.Migrations;

namespace PmemFleet.Api.Persistence;

/// <summary>
/// Laws of disjoint ranges, which the model builder cannot say: the migration that makes the tables calls <see cref="Add"/>. They are checked at
/// commit, so that one write may move ranges in any order.
/// </summary>
public static class ExclusionConstraints
{
    /// <summary>Table, constraint, what must not overlap.</summary>
    private static readonly ImmutableArray<(string Table, string Name, string Rule)> All =
    [
        ("dpa_extents", "ex_dpa_extents_overlap", "host_id WITH =, dimm_id WITH =, int8range(dpa_start, dpa_start + length) WITH &&"),
        ("region_mappings", "ex_region_mappings_overlap", "host_id WITH =, dimm_id WITH =, int8range(dpa_start, dpa_start + length) WITH &&"),
        ("regions", "ex_regions_overlap", "host_id WITH =, int8range(start, start + size) WITH &&"),
        ("media_errors", "ex_media_errors_overlap", "host_id WITH =, dimm_id WITH =, int8range(dpa, dpa + length) WITH &&"),
    ];

    /// <summary>The statements, for a schema that is made without migrations.</summary>
    public static IEnumerable<string> Statements =>
    [
        "CREATE EXTENSION IF NOT EXISTS btree_gist",
        .. All.Select(law => $"ALTER TABLE {law.Table} ADD CONSTRAINT {law.Name} EXCLUDE USING gist ({law.Rule}) DEFERRABLE INITIALLY DEFERRED"),

        // a boot may swap the numbers of two namespaces
        "ALTER TABLE namespaces ADD CONSTRAINT ux_namespaces_number UNIQUE (host_id, region_id, number) DEFERRABLE INITIALLY DEFERRED",
        .. PersonalityOfANamespace,
    ];

    /// <summary>
    /// A namespace has one personality. A reconfiguration hands it from one to the next in one write, in whichever order the rows are written;
    /// this takes the place of an index of that name, which looked at each statement by itself.
    /// </summary>
    public static IEnumerable<string> PersonalityOfANamespace =>
    [
        "ALTER TABLE personalities DROP CONSTRAINT IF EXISTS ux_personalities_namespace",
        "DROP INDEX IF EXISTS ux_personalities_namespace",
        "ALTER TABLE personalities ADD CONSTRAINT ux_personalities_namespace UNIQUE (host_id, region_id, namespace_number) DEFERRABLE INITIALLY DEFERRED",
    ];

    /// <summary>In the <c>Up</c> of the migration that makes the tables, after them.</summary>
    public static void Add(MigrationBuilder migration)
    {
        foreach (var statement in Statements)
        {
            migration.Sql(statement);
        }
    }
}
