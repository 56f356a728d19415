using System.Buffers;
using System.IO.Pipelines;
using PmemFleet.Api.Conventions;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Sync;

/// <summary>The idle sync that came last over a connection: a worker that has nothing to tell says the same each time, to the byte, and is not parsed and checked anew.</summary>
internal sealed class SaidBefore
{
    /// <summary>Thousands are kept; a worker that names many hosts seldom says the same twice.</summary>
    private const int MostBytes = 1024;

    private static readonly object Key = new();
    private readonly byte[] _body;

    private SaidBefore(byte[] body, SyncRequest request) => (_body, Request) = (body, request);

    /// <summary>What it says.</summary>
    public SyncRequest Request { get; }

    /// <summary>What this connection said last that brought nothing; null where there was nothing such yet.</summary>
    public static SaidBefore? Of(HttpContext http) => ConnectionItems.Of(http) is { } items && items.TryGetValue(Key, out var said) ? (SaidBefore?)said : null;

    public static void Keep(HttpContext http, MemoryStream body, SyncRequest request)
    {
        if (body.Length <= MostBytes && ConnectionItems.Of(http) is { } items)
        {
            items[Key] = new SaidBefore(body.ToArray(), request);
        }
    }

    /// <summary>Reads a body that is the same to its end. Of another one nothing is taken from the reader.</summary>
    public async ValueTask<bool> IsRepeatedAsync(PipeReader reader, CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await reader.ReadAsync(cancellationToken);
            var buffer = read.Buffer;
            if (!StartsWith(buffer) || read.IsCanceled || (read.IsCompleted && buffer.Length < _body.Length))
            {
                reader.AdvanceTo(buffer.Start);
                return false;
            }

            if (read.IsCompleted)
            {
                reader.AdvanceTo(buffer.End);
                return true;
            }

            reader.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    /// <summary>As far as it has come, it is the same.</summary>
    private bool StartsWith(ReadOnlySequence<byte> buffer)
    {
        if (buffer.Length > _body.Length)
        {
            return false;
        }

        var at = 0;
        foreach (var segment in buffer)
        {
            if (!segment.Span.SequenceEqual(_body.AsSpan(at, segment.Length)))
            {
                return false;
            }

            at += segment.Length;
        }

        return true;
    }
}
