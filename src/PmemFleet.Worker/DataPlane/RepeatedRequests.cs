using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text.Json;
using PmemFleet.Contracts;
using PmemFleet.Contracts.DataPlane;
using PmemFleet.Contracts.Processes;

namespace PmemFleet.Worker.DataPlane;

/// <summary>
/// Answers of this boot by Idempotency-Key: a request that the Api passes on twice is done once. Used under the host's gate. The Api binds keys to
/// callers, so that nobody is given what another asked for.
/// </summary>
internal sealed class RepeatedRequests
{
    private const int Kept = 4096;

    /// <summary>Of the keys that the Api gave single requests: it asks again within seconds, or not at all. They take no room from callers' keys.</summary>
    private const int OwnKept = 1024;

    /// <summary>An answer with more bytes than this is not kept: a load that is done again gives the same.</summary>
    private const int LargestData = 1 << 16;

    private readonly Dictionary<string, (string Request, object Answer)> _answers = [];
    private readonly Queue<string> _order = [];
    private readonly Queue<string> _ownOrder = [];

    /// <summary>What tells one request from another: method, path and document.</summary>
    public static string Fingerprint(HttpRequest request, object? body)
    {
        var document = body is null ? [] : JsonSerializer.SerializeToUtf8Bytes(body, body.GetType(), FleetJsonContext.Default);
        return $"{request.Method} {request.Path}{request.QueryString} {Convert.ToHexString(SHA256.HashData(document))}";
    }

    /// <summary>True where the key was used; <paramref name="isOther"/>: for another request.</summary>
    public bool TryFind(string key, string request, out bool isOther, [NotNullWhen(true)] out object? answer)
    {
        var isKnown = _answers.TryGetValue(key, out var kept);
        (isOther, answer) = (isKnown && kept.Request != request, kept.Answer);
        return isKnown;
    }

    public void Keep(string key, string request, object answer)
    {
        if (answer is DataPlaneReply<AccessDto> { Value.Data.Length: > LargestData } || !_answers.TryAdd(key, (request, answer)))
        {
            return;
        }

        var (order, kept) = key.StartsWith(DataPlaneRoutes.OwnKeyPrefix, StringComparison.Ordinal) ? (_ownOrder, OwnKept) : (_order, Kept);
        order.Enqueue(key);
        while (order.Count > kept)
        {
            _answers.Remove(order.Dequeue());
        }
    }

    public void Clear()
    {
        _answers.Clear();
        _order.Clear();
        _ownOrder.Clear();
    }
}
