using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using PmemFleet.Api.Hosting;

namespace PmemFleet.Api.Access;

/// <summary>Bearer keys: <c>pmf_&lt;prefix&gt;_&lt;secret&gt;</c>.</summary>
public static class ApiKeySecret
{
    public const string Start = "pmf_";

    private const int PrefixLength = 12;

    public static string Create() =>
        $"{Start}{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}_{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32))}";

    public static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    /// <summary>Compares a presented secret with the one that is configured; how long it takes says nothing of either.</summary>
    public static bool IsSame(string presented, string configured) => CryptographicOperations.FixedTimeEquals(Hash(presented), Hash(configured));

    /// <summary>What may be shown of a key.</summary>
    public static string PrefixOf(string key) => key[..Math.Min(PrefixLength, key.Length)];
}

/// <summary>Who a worker's credential names.</summary>
public sealed record WorkerIdentity(Guid WorkerId, Guid InstanceId, string Name);

/// <summary>
/// Worker credentials: MACs under the join token, so that a heartbeat costs no look-up, every replica can check them, and none is stored. The
/// credential of a former instance stays genuine: the sync answers it <c>409 fenced</c>, which tells the zombie why.
/// </summary>
public sealed class WorkerCredentials(IOptions<WorkersOptions> options)
{
    public const string Start = "pmw_";

    public bool IsJoinToken(string token) =>
        options.Value.JoinToken is { } expected && ApiKeySecret.IsSame(token, expected);

    public string Issue(WorkerIdentity worker)
    {
        var claim = $"{worker.WorkerId:N}.{worker.InstanceId:N}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(worker.Name))}";
        return $"{Start}{claim}.{Mac("sync", claim)}";
    }

    public bool TryRead(string token, [NotNullWhen(true)] out WorkerIdentity? worker)
    {
        worker = null;
        var parts = token.StartsWith(Start, StringComparison.Ordinal) && options.Value.JoinToken is not null ? token[Start.Length..].Split('.') : [];

        // the name has no '.' here: it is base64url
        if (parts.Length != 4
            || !CryptographicOperations.FixedTimeEquals(
                Encoding.UTF8.GetBytes(parts[3]), Encoding.UTF8.GetBytes(Mac("sync", string.Join('.', parts[..3])))))
        {
            return false;
        }

        worker = new WorkerIdentity(
            Guid.ParseExact(parts[0], "N"), Guid.ParseExact(parts[1], "N"), Encoding.UTF8.GetString(Base64Url.DecodeFromChars(parts[2])));
        return true;
    }

    /// <summary>The bearer with which the Api calls this instance of a worker.</summary>
    public string DataPlane(Guid workerId, Guid instanceId) => $"pmd_{Mac("data-plane", $"{workerId:N}.{instanceId:N}")}";

    private string Mac(string purpose, string claim) => Base64Url.EncodeToString(HMACSHA256.HashData(
        Encoding.UTF8.GetBytes(options.Value.JoinToken ?? throw new InvalidOperationException("no join token is configured")),
        Encoding.UTF8.GetBytes($"pmemfleet {purpose} {claim}")));
}
