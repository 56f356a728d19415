using Microsoft.EntityFrameworkCore.Migrations;

namespace PmemFleet.Api.Hosts;

/// <summary>A row of a host's device model.</summary>
public interface IHostDeviceRow
{
    /// <summary>The host.</summary>
    Guid HostId { get; }
}

/// <summary>
/// <c>hosts.revision</c> names the state of all rows of a host's device model: a transaction that changes any of them gives the host a value that it never had. So
/// whoever holds rows that he loaded before (<see cref="HostCache"/>), and finds the value unchanged under the host's lock, has the rows as they are. The database
/// sees to it by itself, whichever program, of whichever version, or whoever's hand writes; only who says that he does it himself is trusted (<see cref="Persistence.RowChanges"/>).
/// </summary>
public static class HostRevisions
{
    /// <summary>Up to <see cref="EndOwn"/> the transaction gives new revisions itself.</summary>
    public const string BeginOwn = "SET LOCAL pmemfleet.revises = 'self'";

    /// <summary>From here on the database does it again.</summary>
    public const string EndOwn = "SET LOCAL pmemfleet.revises = ''";

    /// <summary>As the migration made it: a table that comes later gets its triggers in a migration of its own.</summary>
    private static readonly string[] Tables =
    [
        "dimms", "label_chunks", "dpa_extents", "regions", "region_mappings", "namespaces", "personalities", "dax_regions", "dax_devices",
    ];

    /// <summary>The statements, for a schema that is made without migrations.</summary>
    public static IEnumerable<string> Statements =>
    [
        // of no two hosts, and of no host before and after, the same
        "UPDATE hosts SET revision = gen_random_uuid()",
        """
        CREATE FUNCTION give_host_revision() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE hosts SET revision = gen_random_uuid() WHERE id = ANY(ARRAY(SELECT DISTINCT host_id FROM touched));
            RETURN NULL;
        END $$
        """,
        .. from table in Tables
           from trigger in new[] { ("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD") }
           select $"""
                CREATE TRIGGER tr_{table}_{trigger.Item1.ToLowerInvariant()} AFTER {trigger.Item1} ON {table} REFERENCING {trigger.Item2} TABLE AS touched
                FOR EACH STATEMENT WHEN (current_setting('pmemfleet.revises', true) IS DISTINCT FROM 'self') EXECUTE FUNCTION give_host_revision()
                """,
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
    public static void Remove(MigrationBuilder migration) => migration.Sql("DROP FUNCTION give_host_revision() CASCADE");
}
