using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;

namespace PmemFleet.Api.Tests.Sync;

/// <summary>Requests one after the other over one HTTP/1.1 connection, whoever they are of.</summary>
internal sealed class OneConnection : IDisposable
{
    private readonly HttpClient _http;
    private int _opened;

    public OneConnection(WebApplication app)
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            MaxConnectionsPerServer = 1,
            ConnectCallback = async (context, token) =>
            {
                Interlocked.Increment(ref _opened);
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(context.DnsEndPoint, token);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        _http = new HttpClient(handler) { BaseAddress = new Uri(app.Urls.First()) };
    }

    /// <summary>Connections so far; what was to be sent over one was, where it is 1.</summary>
    public int Opened => _opened;

    public Task<HttpResponseMessage> PostAsync(string path, string? credential, string body, string contentType = "application/json") =>
        SendAsync(path, credential, new ByteArrayContent(Encoding.UTF8.GetBytes(body)), contentType);

    /// <summary>In chunks of so many bytes, each sent when the one before has had time to arrive.</summary>
    public Task<HttpResponseMessage> PostInPiecesAsync(string path, string? credential, string body, int bytes) =>
        SendAsync(path, credential, new Pieces(Encoding.UTF8.GetBytes(body), bytes));

    public void Dispose() => _http.Dispose();

    private async Task<HttpResponseMessage> SendAsync(string path, string? credential, HttpContent content, string contentType = "application/json")
    {
        content.Headers.ContentType = new MediaTypeHeaderValue(contentType, "utf-8");
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = content };
        request.Headers.TransferEncodingChunked = content is Pieces;
        request.Headers.Authorization = credential is null ? null : new AuthenticationHeaderValue("Bearer", credential);
        return await _http.SendAsync(request);
    }

    private sealed class Pieces(byte[] body, int bytes) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context)
        {
            foreach (var piece in body.Chunk(bytes))
            {
                await stream.WriteAsync(piece);
                await stream.FlushAsync();
                await Task.Delay(5);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
