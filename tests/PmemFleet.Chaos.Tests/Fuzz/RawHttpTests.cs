using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using PmemFleet.Chaos.Tests.Support;

namespace PmemFleet.Chaos.Tests.Fuzz;

[Collection(ChaosSuite.Name)]
public sealed class RawHttpTests(ChaosServer server)
{
    private static readonly TimeSpan Hang = TimeSpan.FromSeconds(30);

    /// <summary>What no HTTP library sends. The connection is answered with a 4xx or closed, and the Api serves the next one.</summary>
    [Fact]
    public async Task Bytes_ThatAreNoHttp_AreRefusedAndHangNothing()
    {
        await using var fleet = await ChaosFleet.StartAsync(server, new FleetShape { Replicas = 1, Workers = 0 });
        var random = ChaosRun.Choices("raw");
        var authorization = $"Authorization: Bearer {ChaosFleet.AdminKey}\r\n";
        byte[][] known =
        [
            .. new[]
            {
                "GET / HTTP/9.9\r\n\r\n",
                "GET /v1/hosts HTTP/1.1\r\n\r\n",
                $"GET /v1/hosts HTTP/1.1\r\nHost: a\r\nHost: b\r\n{authorization}\r\n",
                $"GET /v1/hosts\u0000 HTTP/1.1\r\nHost: a\r\n{authorization}\r\n",
                $"GET http://evil.example/v1/hosts HTTP/1.1\r\nHost: a\r\n{authorization}Connection: close\r\n\r\n",
                $"POST /v1/hosts HTTP/1.1\r\nHost: a\r\n{authorization}Content-Type: application/json\r\nContent-Length: -1\r\n\r\n{{}}",
                $"POST /v1/hosts HTTP/1.1\r\nHost: a\r\n{authorization}Content-Type: application/json\r\nContent-Length: 99999999999999999999\r\n\r\n{{}}",
                $"POST /v1/hosts HTTP/1.1\r\nHost: a\r\n{authorization}Content-Type: application/json\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}x",
                $"POST /v1/hosts HTTP/1.1\r\nHost: a\r\n{authorization}Content-Type: application/json\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                $"POST /v1/hosts HTTP/1.1\r\nHost: a\r\n{authorization}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n{{}}\r\n0\r\n\r\n",
                $"POST /v1/hosts HTTP/1.1\r\nHost: a\r\n{authorization}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{{}}\r\n",
                $"GET /v1/hosts HTTP/1.1\r\nHost: a\r\n{authorization}X: {new string('x', 70_000)}\r\n\r\n",
                $"GET /v1/hosts?cursor={new string('x', 20_000)} HTTP/1.1\r\nHost: a\r\n{authorization}\r\n",
                "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                "\r\n\r\n\r\n\r\n",
            }.Select(Encoding.Latin1.GetBytes),
        ];
        var (messages, unfinished) = (0, 0);
        var clock = Stopwatch.StartNew();
        var duration = ChaosRun.Duration(TimeSpan.Zero);
        do
        {
            // what is known and then noise, which is another one each time; after the first round the known ones are damaged, too
            List<byte[]> round = [.. unfinished == 0 ? known : known.Select(message => Damaged(random, message)), .. Enumerable.Range(0, 10).Select(_ => HostileValues.Noise(random))];
            foreach (var message in round)
            {
                var answer = await SendAsync(fleet.ReplicaUrls[0].Port, message, finish: true);
                Assert.True(IsNoFailure(answer), $"{Encoding.Latin1.GetString(message)[..Math.Min(200, message.Length)]}: {answer}");
            }

            messages += round.Count;
            unfinished += await DemandServiceBesideUnfinishedBodiesAsync(fleet, authorization);
        }
        while (clock.Elapsed < duration);

        Assert.Equal(0L, await fleet.ScalarAsync<long>("SELECT count(*) FROM hosts"));
        server.Report($"raw HTTP: {messages} messages, {unfinished} unfinished bodies");
    }

    /// <summary>Callers that promise a body and never send it hold nothing up.</summary>
    /// <returns>How many there were.</returns>
    private static async Task<int> DemandServiceBesideUnfinishedBodiesAsync(ChaosFleet fleet, string authorization)
    {
        var slow = Enumerable.Range(0, 50).Select(_ => SendAsync(
            fleet.ReplicaUrls[0].Port, Encoding.Latin1.GetBytes($"POST /v1/hosts HTTP/1.1\r\nHost: a\r\n{authorization}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{\"na"), finish: false)).ToList();
        using var http = fleet.NewClient(ChaosFleet.AdminKey, fleet.ReplicaUrls[0]);
        Assert.True((await http.GetAsync("/v1/hosts")).IsSuccessStatusCode);
        Assert.All(await Task.WhenAll(slow), answer => Assert.False(answer.StartsWith("HTTP/1.1 5", StringComparison.Ordinal) || answer.StartsWith("HTTP/1.1 2", StringComparison.Ordinal), answer));
        return slow.Count;
    }

    /// <summary>One byte of it is another one.</summary>
    private static byte[] Damaged(Random random, byte[] message)
    {
        byte[] damaged = [.. message];
        damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
        return damaged;
    }

    /// <summary>505 is about the version of HTTP.</summary>
    private static bool IsNoFailure(string answer) =>
        !answer.StartsWith("HTTP/1.1 5", StringComparison.Ordinal) || answer.StartsWith("HTTP/1.1 505", StringComparison.Ordinal);

    /// <summary>What the Api answers until it closes the connection.</summary>
    private static async Task<string> SendAsync(int port, byte[] message, bool finish)
    {
        using var limit = new CancellationTokenSource(Hang);
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", port, limit.Token);
        var stream = client.GetStream();
        using var answer = new MemoryStream();
        try
        {
            await stream.WriteAsync(message, limit.Token);
            if (finish)
            {
                client.Client.Shutdown(SocketShutdown.Send);
            }

            await stream.CopyToAsync(answer, limit.Token);
        }
        catch (Exception closed) when (closed is IOException or SocketException)
        {
            // closed on us: an answer too
        }

        return Encoding.Latin1.GetString(answer.ToArray());
    }
}
