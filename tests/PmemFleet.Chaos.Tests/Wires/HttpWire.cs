using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Extensions;
using Microsoft.Extensions.Logging;
using PmemFleet.Chaos.Tests.Support;

namespace PmemFleet.Chaos.Tests.Wires;

/// <summary>
/// The way between two programs: a load balancer over some upstreams, which takes the next one where a connection is refused, and does to each
/// request what it is told to.
/// </summary>
internal sealed class HttpWire : IAsyncDisposable
{
    private static readonly string[] OfTheConnection = ["Connection", "Transfer-Encoding", "Keep-Alive", "Host", "Date"];

    private readonly WebApplication _app;
    private readonly IReadOnlyList<Uri> _upstreams;
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, UseCookies = false, AllowAutoRedirect = false, ConnectTimeout = TimeSpan.FromSeconds(2) })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _late = [];
    private int _turn;

    private HttpWire(IReadOnlyList<Uri> upstreams, int port)
    {
        _upstreams = upstreams;
        Url = new Uri($"http://127.0.0.1:{port}");
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(Url.ToString()).ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = null);
        _app = builder.Build();
        _app.Run(PassAsync);
    }

    public Uri Url { get; }

    /// <summary>Chosen anew for each request.</summary>
    public Func<HttpRequest, WireFault> Choose { get; set; } = _ => WireFault.None;

    /// <summary>Chosen for each answer that is there, with its status and the number of the upstream it is of: to pass it on, or to cut it.</summary>
    public Func<HttpRequest, int, int, WireFault> ChooseForAnswer { get; set; } = (_, _, _) => WireFault.None;

    /// <summary>How long delays are.</summary>
    public Func<TimeSpan> Delay { get; set; } = () => TimeSpan.FromMilliseconds(100);

    /// <summary>Told of each answer before it goes back, with the request's path.</summary>
    public Action<string, int> Answered { get; set; } = (_, _) => { };

    public static async Task<HttpWire> StartAsync(params IReadOnlyList<Uri> upstreams)
    {
        var wire = new HttpWire(upstreams, Ports.Free());
        await wire._app.StartAsync();
        return wire;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        Task[] late;
        lock (_late)
        {
            late = [.. _late];
        }

        await Task.WhenAll(late);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await _app.StopAsync(patience.Token);
        await _app.DisposeAsync();
        _http.Dispose();
        _stop.Dispose();
    }

    private async Task PassAsync(HttpContext http)
    {
        var fault = Choose(http.Request);
        try
        {
            using var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body, http.RequestAborted);
            var copy = new Copy(http.Request.Method, http.Request.GetEncodedPathAndQuery(), [.. http.Request.Headers.Select(header => (header.Key, header.Value.ToString()))], body.ToArray(), http.Request.ContentLength is not null);
            await PassAsync(http, copy, fault);
        }
        catch (HttpRequestException broken) when (!http.Response.HasStarted)
        {
            // as load balancers do; and a test that did not expect it shows why
            http.Response.StatusCode = StatusCodes.Status502BadGateway;
            http.Response.ContentType = "text/plain";
            await http.Response.WriteAsync(broken.ToString(), CancellationToken.None);
        }
        catch (Exception broken) when (broken is HttpRequestException or IOException or OperationCanceledException)
        {
            http.Abort();
        }
    }

    private async Task PassAsync(HttpContext http, Copy copy, WireFault fault)
    {
        switch (fault)
        {
            case WireFault.CutBefore:
                http.Abort();
                return;
            case WireFault.ForeignAnswer:
                http.Response.StatusCode = StatusCodes.Status502BadGateway;
                http.Response.ContentType = "text/html";
                await http.Response.WriteAsync("<html>Bad Gateway</html>", http.RequestAborted);
                return;
            case WireFault.DelayBefore:
                await Task.Delay(Delay(), http.RequestAborted);
                break;
            case WireFault.Duplicate:
                (await SendAsync(copy, http.RequestAborted)).Answer.Dispose();
                break;
            case WireFault.DuplicateAtOnce:
                Later(copy, TimeSpan.Zero);
                break;
            case WireFault.Reorder:
                Later(copy, Delay() * 5);
                break;
        }

        var (answer, upstream) = await SendAsync(copy, fault == WireFault.CutAfter ? CancellationToken.None : http.RequestAborted);
        using var received = answer;
        var bytes = await answer.Content.ReadAsByteArrayAsync(fault == WireFault.CutAfter ? CancellationToken.None : http.RequestAborted);
        if (fault == WireFault.DelayAfter)
        {
            await Task.Delay(Delay(), http.RequestAborted);
        }

        Answered(http.Request.Path, (int)answer.StatusCode);
        if (fault == WireFault.CutAfter || ChooseForAnswer(http.Request, (int)answer.StatusCode, upstream) == WireFault.CutAfter)
        {
            http.Abort();
            return;
        }

        http.Response.StatusCode = (int)answer.StatusCode;
        foreach (var header in answer.Headers.Concat(answer.Content.Headers).Where(header => !OfTheConnection.Contains(header.Key, StringComparer.OrdinalIgnoreCase)))
        {
            http.Response.Headers[header.Key] = header.Value.ToArray();
        }

        if (fault == WireFault.CutWithin && bytes.Length > 1)
        {
            http.Response.ContentLength = bytes.Length;
            await http.Response.Body.WriteAsync(bytes.AsMemory(0, bytes.Length / 2), http.RequestAborted);
            await http.Response.Body.FlushAsync(http.RequestAborted);
            http.Abort();
            return;
        }

        await http.Response.Body.WriteAsync(bytes, http.RequestAborted);
    }

    private void Later(Copy copy, TimeSpan delay)
    {
        lock (_late)
        {
            _late.Add(Task.Run(async () =>
            {
                try
                {
                    await Task.Delay(delay, _stop.Token);
                    (await SendAsync(copy, _stop.Token)).Answer.Dispose();
                }
                catch (Exception broken) when (broken is HttpRequestException or IOException or OperationCanceledException)
                {
                    // nobody waits for it
                }
            }));
        }
    }

    private async Task<(HttpResponseMessage Answer, int Upstream)> SendAsync(Copy copy, CancellationToken cancelled)
    {
        var first = Interlocked.Increment(ref _turn);
        for (var attempt = 0; ; attempt++)
        {
            var upstream = (int)((uint)(first + attempt) % (uint)_upstreams.Count);
            using var request = copy.ToRequest(_upstreams[upstream]);
            try
            {
                return (await _http.SendAsync(request, HttpCompletionOption.ResponseContentRead, cancelled), upstream);
            }
            catch (HttpRequestException refused) when (attempt + 1 < _upstreams.Count && refused.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionRefused })
            {
                // nothing was sent: another one may take it
            }
        }
    }

    /// <summary>A request that can be sent more than once.</summary>
    private sealed record Copy(string Method, string Target, (string Name, string Value)[] Headers, byte[] Body, bool HasBody)
    {
        public HttpRequestMessage ToRequest(Uri upstream)
        {
            var request = new HttpRequestMessage(new HttpMethod(Method), new Uri(upstream, Target)) { Version = HttpVersion.Version11 };
            if (HasBody || Body.Length > 0)
            {
                request.Content = new ByteArrayContent(Body);
            }

            foreach (var (name, value) in Headers.Where(header => !OfTheConnection.Contains(header.Name, StringComparer.OrdinalIgnoreCase)))
            {
                if (!request.Headers.TryAddWithoutValidation(name, value))
                {
                    request.Content?.Headers.TryAddWithoutValidation(name, value);
                }
            }

            return request;
        }
    }
}
