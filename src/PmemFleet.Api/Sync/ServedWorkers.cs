using Npgsql;
using PmemFleet.Api.Access;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Sync;

/// <summary>Who may be given tasks: the first part of every statement that gives any, and its parameters.</summary>
internal static class ServedWorkers
{
    /// <summary>SQL: of the workers, their processes, and the counts and mixes of the digests they show ($1 to $4), those whose leases hold and whose hosts are those they know.</summary>
    public const string Sql = $"""
        SELECT a.worker, a.instance FROM unnest($1, $2, $3, $4) AS a(worker, instance, hosts, mix)
        CROSS JOIN LATERAL (
            SELECT count(*) AS hosts, COALESCE(bit_xor({HostsDigest.OfHost}), 0) AS mix
            FROM hosts h WHERE a.mix IS NOT NULL AND h.worker_id = a.worker AND h.worker_instance_id = a.instance
        ) AS have
        JOIN worker_leases l ON l.worker_id = a.worker AND l.instance_id = a.instance AND l.expires_at > now()
        WHERE a.mix IS NULL OR (a.hosts = have.hosts AND a.mix = have.mix)
        """;

    /// <summary>A command that begins with it, with its parameters $1 to $4; the command's own follow.</summary>
    public static NpgsqlBatchCommand Command(string text, IReadOnlyCollection<(WorkerIdentity Worker, SyncRequest Request)> asking)
    {
        var digests = asking.Select(one => HostsDigest.Of(one.Request)).ToList();
        return new NpgsqlBatchCommand(text)
        {
            Parameters =
            {
                new NpgsqlParameter<Guid[]> { TypedValue = [.. asking.Select(one => one.Worker.WorkerId)] },
                new NpgsqlParameter<Guid[]> { TypedValue = [.. asking.Select(one => one.Worker.InstanceId)] },
                new NpgsqlParameter<long?[]> { TypedValue = [.. digests.Select(digest => digest?.Count)] },
                new NpgsqlParameter<long?[]> { TypedValue = [.. digests.Select(digest => digest?.Mix)] },
            },
        };
    }
}
