using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace PmemFleet.Chaos.Tests.Wires;

/// <summary>What becomes of the server's answer to a COMMIT.</summary>
internal enum CommitFault
{
    None,

    /// <summary>The commit holds, and whoever asked for it never learns of it: the connection is gone.</summary>
    AnswerLost,
}

/// <summary>
/// The way between an Api and PostgreSQL, which reads the protocol as it passes: it knows when a transaction that changed something was committed,
/// and can act at that very moment, before the answer goes on.
/// </summary>
internal sealed class PostgresWire : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly int _serverPort;
    private readonly Task _accepting;

    public PostgresWire(int serverPort)
    {
        _serverPort = serverPort;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Asked at each commit, with the transaction's statements that touched rows.</summary>
    public Func<IReadOnlyList<string>, CommitFault> Committed { get; set; } = _ => CommitFault.None;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = new Connection(this, await _listener.AcceptTcpClientAsync(_stop.Token)).RunAsync();
            }
        }
        catch (Exception ended) when (ended is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // no more connections
        }
    }

    private sealed class Connection
    {
        private readonly PostgresWire _wire;
        private readonly TcpClient _client;
        private readonly OpenTransaction _transaction = new();
        private readonly ClientMessages _asked;

        public Connection(PostgresWire wire, TcpClient client) => (_wire, _client, _asked) = (wire, client, new ClientMessages { Grouped = _transaction.Asked });

        public async Task RunAsync()
        {
            using (_client)
            using (var server = new TcpClient())
            {
                try
                {
                    await server.ConnectAsync(IPAddress.Loopback, _wire._serverPort, _wire._stop.Token);
                    _client.NoDelay = server.NoDelay = true;
                    await Task.WhenAny(UpAsync(_client.GetStream(), server.GetStream()), DownAsync(server.GetStream(), _client.GetStream()));
                }
                catch (Exception broken) when (broken is IOException or SocketException or OperationCanceledException)
                {
                    // both ends see it
                }
            }
        }

        private async Task UpAsync(NetworkStream from, NetworkStream to)
        {
            try
            {
                var buffer = new byte[65536];
                int count;
                while ((count = await from.ReadAsync(buffer, _wire._stop.Token)) > 0)
                {
                    _asked.Take(buffer.AsSpan(0, count));
                    await to.WriteAsync(buffer.AsMemory(0, count), _wire._stop.Token);
                }
            }
            catch (Exception broken) when (broken is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // the other direction ends with it
            }
        }

        /// <summary>Message by message: a type, a length of four bytes that counts itself, and the content. What is whole goes on together.</summary>
        private async Task DownAsync(NetworkStream from, NetworkStream to)
        {
            try
            {
                var buffer = new byte[65536];
                var filled = 0;
                while (true)
                {
                    if (filled == buffer.Length)
                    {
                        Array.Resize(ref buffer, buffer.Length * 2);
                    }

                    var count = await from.ReadAsync(buffer.AsMemory(filled), _wire._stop.Token);
                    if (count == 0)
                    {
                        return;
                    }

                    filled += count;
                    var (whole, isCut) = Read(buffer.AsSpan(0, filled));
                    await to.WriteAsync(buffer.AsMemory(0, whole), _wire._stop.Token);
                    if (isCut)
                    {
                        return;
                    }

                    buffer.AsSpan(whole, filled - whole).CopyTo(buffer);
                    filled -= whole;
                }
            }
            catch (Exception broken) when (broken is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // the other direction ends with it
            }
        }

        /// <summary>Bytes of whole messages that may go on; true where the connection ends behind them.</summary>
        private (int Whole, bool IsCut) Read(ReadOnlySpan<byte> bytes)
        {
            var whole = 0;
            while (bytes.Length - whole >= 5)
            {
                var length = 1 + BinaryPrimitives.ReadInt32BigEndian(bytes[(whole + 1)..]);
                if (bytes.Length - whole < length)
                {
                    break;
                }

                var content = bytes.Slice(whole + 5, length - 5);
                if (CommittedBy(bytes[whole], content) is { } statements && _wire.Committed(statements) == CommitFault.AnswerLost)
                {
                    return (whole, true);
                }

                whole += length;
            }

            return (whole, false);
        }

        private IReadOnlyList<string>? CommittedBy(byte type, ReadOnlySpan<byte> content)
        {
            switch ((char)type)
            {
                case 'C':
                    return _transaction.Completed(Encoding.ASCII.GetString(content[..^1]));
                case 'Z':
                    return _transaction.Ready(isIdle: content[0] == (byte)'I');
                case 'E':
                    _transaction.Failed();
                    return null;
                default:
                    return null;
            }
        }
    }
}
