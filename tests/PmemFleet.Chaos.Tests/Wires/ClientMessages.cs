using System.Buffers.Binary;
using System.Text;

namespace PmemFleet.Chaos.Tests.Wires;

/// <summary>
/// What a client says to PostgreSQL, read as it passes: the statements that are executed, also those that were prepared long ago and are only named
/// now, grouped by what the server ends with one ReadyForQuery.
/// </summary>
internal sealed class ClientMessages
{
    private const int TypeAndLength = 5;

    /// <summary>A request without a type: asks for TLS, for GSS, or cancels. None of them is answered with ReadyForQuery.</summary>
    private const int FirstSpecialRequest = 80877102;

    private readonly Dictionary<string, string> _prepared = [];
    private readonly Dictionary<string, string> _bound = [];
    private byte[] _pending = [];
    private bool _started;
    private List<string> _group = [];

    /// <summary>Told of each group once it is whole, before its bytes go on.</summary>
    public required Action<IReadOnlyList<string>> Grouped { get; init; }

    /// <summary>The next bytes, cut anywhere.</summary>
    public void Take(ReadOnlySpan<byte> bytes)
    {
        _pending = [.. _pending, .. bytes];
        var read = 0;
        while (Next(_pending.AsSpan(read)) is var length and > 0)
        {
            read += length;
        }

        _pending = _pending[read..];
    }

    /// <summary>The length of the first message, or 0 where it is not whole yet.</summary>
    private int Next(ReadOnlySpan<byte> bytes)
    {
        var head = _started ? TypeAndLength : TypeAndLength - 1;
        if (bytes.Length < head)
        {
            return 0;
        }

        var length = BinaryPrimitives.ReadInt32BigEndian(bytes[(head - 4)..]) + head - 4;
        if (bytes.Length < length)
        {
            return 0;
        }

        if (!_started)
        {
            _started = BinaryPrimitives.ReadInt32BigEndian(bytes[4..]) < FirstSpecialRequest;
            if (_started)
            {
                // the server says that it is ready once it knows the client
                Grouped([]);
            }
        }
        else
        {
            Read(bytes[0], bytes[head..length]);
        }

        return length;
    }

    private void Read(byte type, ReadOnlySpan<byte> content)
    {
        switch ((char)type)
        {
            case 'P':
                var name = Text(content, out var rest);
                _prepared[name] = Text(rest, out _);
                break;
            case 'B':
                var portal = Text(content, out rest);
                _bound[portal] = _prepared.GetValueOrDefault(Text(rest, out _), string.Empty);
                break;
            case 'E':
                _group.Add(_bound.GetValueOrDefault(Text(content, out _), string.Empty));
                break;
            case 'Q':
                _group.Add(Text(content, out _));
                End();
                break;
            case 'S':
                End();
                break;
        }
    }

    private void End()
    {
        Grouped(_group);
        _group = [];
    }

    private static string Text(ReadOnlySpan<byte> bytes, out ReadOnlySpan<byte> rest)
    {
        var end = bytes.IndexOf((byte)0);
        rest = bytes[(end + 1)..];
        return Encoding.UTF8.GetString(bytes[..end]);
    }
}
