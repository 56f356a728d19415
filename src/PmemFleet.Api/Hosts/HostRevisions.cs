using Microsoft.EntityFrameworkCore.Migrations;

namespace PmemFleet.Api.Hosts;

/// <summary>A row of a host's device model.</summary>
public interface IHostDeviceRow
{
    /// <summary>The host.</summary>
    Guid HostId { get; }
}

/// <summary>
/// <c>hosts.revision</c> names the state of all rows of a host's device model: a transaction that changes any of them gives the host a number that no other one
/// has. The database sees to it by itself, so whoever holds rows that he loaded before (<see cref="HostCache"/>), and finds the number unchanged under the host's
/// lock, has the rows as they are: whichever program, of whichever version, has written meanwhile.
/// </summary>
public static class HostRevisions
{
    /// <summary>The number that this transaction gives, or null where it has changed no host.</summary>
    public const string OfThisTransaction = "SELECT nullif(current_setting('pmemfleet.revision', true), '')::bigint";

    private static readonly string[] Tables =
    [
        "dimms", "label_chunks", "dpa_extents", "regions", "region_mappings", "namespaces", "personalities", "dax_regions", "dax_devices",
    ];

    /// <summary>The statements, for a schema that is made without migrations.</summary>
    public static IEnumerable<string> Statements =>
    [
        "CREATE SEQUENCE host_revisions",
        """
        CREATE FUNCTION note_host_revision() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            mine bigint := nullif(current_setting('pmemfleet.revision', true), '')::bigint;
        BEGIN
            IF mine IS NULL THEN
                mine := nextval('host_revisions');
                PERFORM set_config('pmemfleet.revision', mine::text, true);
            END IF;
            UPDATE hosts SET revision = mine WHERE id = ANY(ARRAY(SELECT DISTINCT host_id FROM touched)) AND revision <> mine;
            RETURN NULL;
        END $$
        """,
        .. from table in Tables
           from trigger in new[] { ("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD") }
           select $"CREATE TRIGGER tr_{table}_{trigger.Item1.ToLowerInvariant()} AFTER {trigger.Item1} ON {table} REFERENCING {trigger.Item2} TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION note_host_revision()",
    ];

    /// <summary>In the <c>Up</c> of the migration that makes the column, after it.</summary>
    public static void Add(MigrationBuilder migration)
    {
        foreach (var statement in Statements)
        {
            migration.Sql(statement);
        }
    }

    /// <summary>In its <c>Down</c>.</summary>
    public static void Remove(MigrationBuilder migration)
    {
        migration.Sql("DROP FUNCTION note_host_revision() CASCADE");
        migration.Sql("DROP SEQUENCE host_revisions");
    }
}
