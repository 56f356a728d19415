using System.Globalization;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Sync;

/// <summary>
/// Fingerprint of all hosts of a worker's process, their epochs and generations: how many there are, and all their <see cref="OfHost"/> under exclusive or. Two that are
/// equal let an answer leave out the hosts. It proves nothing to anybody: a worker that sends another one gets less or more than it needs, of its own hosts.
/// </summary>
/// <param name="Count">Hosts.</param>
/// <param name="Mix">Their hashes, in no order.</param>
public readonly record struct HostsDigest(long Count, long Mix)
{
    /// <summary>Characters of the text, at most; a request with more is malformed.</summary>
    public const int MostCharacters = 64;

    /// <summary>SQL: the hash of a host <c>h</c>. A server whose hashes are others answers everyone completely once.</summary>
    public const string OfHost = "hashint8extended(h.generation, hashint8extended(h.epoch, uuid_hash_extended(h.id, 0)))";

    /// <summary>SQL: the <c>hosts</c> and the <c>mix</c> of the digest of a process <c>w</c>, its <c>worker</c> and its <c>instance</c>.</summary>
    public const string OfProcess = $"""
        SELECT count(*) AS hosts, COALESCE(bit_xor({OfHost}), 0) AS mix FROM hosts h WHERE h.worker_id = w.worker AND h.worker_instance_id = w.instance
        """;

    /// <summary>What no worker's hosts have.</summary>
    public static readonly HostsDigest None = new(-1, 0);

    /// <summary>The request names only the hosts that are busy: its digest tells of the others.</summary>
    public static bool IsIn(SyncRequest request) => request.HostsDigest is { Length: > 0 };

    /// <summary>That of a request; null where it names all its hosts.</summary>
    public static HostsDigest? Of(SyncRequest request) => IsIn(request) ? Parse(request.HostsDigest!) : null;

    /// <summary>As the worker sent it; <see cref="None"/> where it is no digest.</summary>
    public static HostsDigest Parse(string text) =>
        text.Split('.') is [var count, var mix]
        && long.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var hosts)
        && long.TryParse(mix, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var bits)
            ? new HostsDigest(hosts, bits)
            : None;

    /// <summary>One host more.</summary>
    public HostsDigest With(long host) => new(Count + 1, Mix ^ host);

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Count}.{Mix:x}");
}
