using PmemFleet.Contracts.Sync;
using PmemFleet.Worker.Hosts;

namespace PmemFleet.Worker.Sync;

/// <summary>
/// What the Api need not be told again: the digest of the last answer that was applied whole, for as long as exactly its hosts are held. Nothing of it outlives
/// the process, and whatever is in doubt costs one request that names all hosts.
/// </summary>
internal sealed class KnownHosts(LiveHosts hosts)
{
    private string? _digest = string.Empty;
    private long _changes;

    /// <summary>For the next request: null towards an Api that knows no digests; empty where all hosts have to be named.</summary>
    public string? Digest => _digest is { Length: > 0 } && hosts.Changes != _changes ? string.Empty : _digest;

    /// <summary>Nothing is known: the next request asks whether the Api knows digests, and names all hosts.</summary>
    public void Forget() => _digest = string.Empty;

    /// <summary>An Api of an older version refused the request.</summary>
    public void GiveUp() => _digest = null;

    /// <summary>Another Api may answer from now on, and know digests.</summary>
    public void AskAgain() => _digest ??= string.Empty;

    /// <summary>An answer was applied.</summary>
    /// <param name="response">The answer.</param>
    /// <param name="isWhole">Everything it says was done.</param>
    public void Note(SyncResponse response, bool isWhole)
    {
        if (response.HostsDigest is null or "")
        {
            _digest = response.HostsDigest;
        }
        else if (!isWhole)
        {
            _digest = string.Empty;
        }
        else if (!response.Partial)
        {
            // read before the look, so that a host that is let go in the meantime counts
            _changes = hosts.Changes;
            _digest = response.Hosts.All(IsHeld) ? response.HostsDigest : string.Empty;
        }
    }

    private bool IsHeld(HostAssignment assignment) =>
        hosts.FindUnleased(assignment.HostId) is { } held && held.Store.Epoch == assignment.Epoch && held.Generation >= assignment.Generation;
}
