using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace PmemFleet.Chaos.Tests.Operation;

/// <summary>One span as it was sent.</summary>
internal sealed record ReceivedSpan(string Service, string TraceId, string SpanId, string ParentId, string Name, IReadOnlyList<string> LinkedTraces);

/// <summary>Takes traces by OTLP over HTTP, as a collector does.</summary>
internal sealed class TraceReceiver : IAsyncDisposable
{
    private readonly ConcurrentQueue<ReceivedSpan> _spans = new();
    private readonly WebApplication _app;

    private TraceReceiver(WebApplication app) => _app = app;

    public Uri Url => new(_app.Urls.Single());

    public IReadOnlyList<ReceivedSpan> Spans => [.. _spans];

    public static async Task<TraceReceiver> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var app = builder.Build();
        var receiver = new TraceReceiver(app);
        app.MapPost("/v1/traces", async (HttpRequest request) =>
        {
            using var body = new MemoryStream();
            await request.Body.CopyToAsync(body);
            receiver.Take(body.ToArray());
            return Results.Bytes([], "application/x-protobuf");
        });
        app.MapPost("/v1/metrics", () => Results.Bytes([], "application/x-protobuf"));
        await app.StartAsync();
        return receiver;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    /// <summary>ExportTraceServiceRequest of opentelemetry-proto's trace service.</summary>
    private void Take(byte[] request)
    {
        foreach (var resourceSpans in Fields(request, 1))
        {
            var attributes = Fields(resourceSpans, 1).SelectMany(resource => Fields(resource, 1));
            var service = attributes.Where(pair => Text(Fields(pair, 1).Single()) == "service.name").Select(pair => Text(Fields(Fields(pair, 2).Single(), 1).Single())).Single();
            foreach (var span in Fields(resourceSpans, 2).SelectMany(scope => Fields(scope, 2)))
            {
                _spans.Enqueue(new ReceivedSpan(
                    service, Hex(span, 1), Hex(span, 2), Hex(span, 4), Text(Fields(span, 5).Single()), [.. Fields(span, 13).Select(link => Hex(link, 1))]));
            }
        }
    }

    private static string Hex(byte[] message, int field) => Convert.ToHexStringLower(Fields(message, field).SingleOrDefault() ?? []);

    private static string Text(byte[] utf8) => Encoding.UTF8.GetString(utf8);

    /// <summary>The length-delimited fields of one number of a protobuf message.</summary>
    private static List<byte[]> Fields(byte[] message, int number)
    {
        var (result, at) = (new List<byte[]>(), 0);
        while (at < message.Length)
        {
            var tag = Varint(message, ref at);
            switch (tag & 7)
            {
                case 0:
                    Varint(message, ref at);
                    break;
                case 1:
                    at += 8;
                    break;
                case 2:
                    var length = (int)Varint(message, ref at);
                    if ((int)(tag >> 3) == number)
                    {
                        result.Add(message[at..(at + length)]);
                    }

                    at += length;
                    break;
                default:
                    at += 4;
                    break;
            }
        }

        return result;
    }

    private static ulong Varint(byte[] message, ref int at)
    {
        var (value, shift) = (0UL, 0);
        byte next;
        do
        {
            next = message[at++];
            value |= (ulong)(next & 0x7F) << shift;
            shift += 7;
        }
        while ((next & 0x80) != 0);
        return value;
    }
}
