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

    /// <summary>Asked at each commit, with the text of the transaction's statements.</summary>
    public Func<string, CommitFault> Committed { get; set; } = _ => CommitFault.None;

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

    private sealed class Connection(PostgresWire wire, TcpClient client)
    {
        private const int TextKept = 200_000;
        private readonly StringBuilder _statements = new();

        public async Task RunAsync()
        {
            using (client)
            using (var server = new TcpClient())
            {
                try
                {
                    await server.ConnectAsync(IPAddress.Loopback, wire._serverPort, wire._stop.Token);
                    client.NoDelay = server.NoDelay = true;
                    await Task.WhenAny(UpAsync(client.GetStream(), server.GetStream()), DownAsync(server.GetStream(), client.GetStream()));
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
                while ((count = await from.ReadAsync(buffer, wire._stop.Token)) > 0)
                {
                    lock (_statements)
                    {
                        if (_statements.Length < TextKept)
                        {
                            _statements.Append(Encoding.Latin1.GetString(buffer, 0, count));
                        }
                    }

                    await to.WriteAsync(buffer.AsMemory(0, count), wire._stop.Token);
                }
            }
            catch (Exception broken) when (broken is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // the other direction ends with it
            }
        }

        /// <summary>Message by message: a type, a length of four bytes that counts itself, and the content.</summary>
        private async Task DownAsync(NetworkStream from, NetworkStream to)
        {
            try
            {
                var head = new byte[5];
                while (true)
                {
                    await from.ReadExactlyAsync(head, wire._stop.Token);
                    var content = new byte[BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(1)) - 4];
                    await from.ReadExactlyAsync(content, wire._stop.Token);
                    if (head[0] == (byte)'C' && content.AsSpan().StartsWith("COMMIT"u8) && wire.Committed(Statements()) == CommitFault.AnswerLost)
                    {
                        return;
                    }

                    if (head[0] == (byte)'Z' && content[0] == (byte)'I')
                    {
                        lock (_statements)
                        {
                            _statements.Clear();
                        }
                    }

                    await to.WriteAsync(head.AsMemory(), wire._stop.Token);
                    await to.WriteAsync(content, wire._stop.Token);
                }
            }
            catch (Exception broken) when (broken is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // the other direction ends with it
            }
        }

        private string Statements()
        {
            lock (_statements)
            {
                return _statements.ToString();
            }
        }
    }
}
