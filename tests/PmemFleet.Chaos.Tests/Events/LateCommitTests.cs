using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Npgsql;
using PmemFleet.Chaos.Tests.Support;

namespace PmemFleet.Chaos.Tests.Events;

[Collection(ChaosSuite.Name)]
public sealed class LateCommitTests(ChaosServer server)
{
    private const int Writers = 10;

    /// <summary>
    /// Writers hold their transactions open while others commit; some roll back, and some lose their connection. Readers page and stream from two
    /// replicas, which are killed meanwhile, and resume: each sees each committed event once, in order, without a gap.
    /// </summary>
    [Fact]
    public async Task Reader_WhileWritersHoldTransactionsOpen_SeesEachEventOnceAndInOrder()
    {
        await using var fleet = await ChaosFleet.StartAsync(server, new FleetShape { Workers = 0 });
        var random = ChaosRun.Choices("events");
        var clock = Stopwatch.StartNew();
        using var stop = new CancellationTokenSource();
        var supervision = fleet.SuperviseAsync(stop.Token);
        var readers = new List<EventReader> { new("pages", null), new("stream-0", 0), new("stream-1", 1) };
        var reading = readers.Select(reader => reader.RunAsync(fleet, stop.Token)).ToList();

        var committed = new ConcurrentDictionary<string, bool>();
        var duration = ChaosRun.Duration(TimeSpan.FromSeconds(10));
        var seeds = Enumerable.Range(0, Writers).Select(_ => random.Next()).ToList();
        var writing = Task.WhenAll(seeds.Select((seed, writer) => WriteAsync(fleet, writer, new Random(seed), clock, duration, committed)));
        while (!writing.IsCompleted)
        {
            await Task.WhenAny(writing, Task.Delay(random.Next(1500, 4000)));
            fleet.Replicas[random.Next(2)].Kill();
        }

        await writing;
        var expected = await fleet.ScalarAsync<long>("SELECT count(*) FROM events");
        for (var wait = 0; readers.Any(reader => reader.Seen.Count < expected) && wait < 600; wait++)
        {
            await Task.Delay(100);
        }

        await stop.CancelAsync();
        await Task.WhenAll(reading);
        await supervision;
        foreach (var reader in readers)
        {
            Assert.Equal(Enumerable.Range(1, (int)expected).Select(seq => (long)seq), reader.Seen.Select(one => one.Seq));
            Assert.Equal(committed.Keys.Order(StringComparer.Ordinal), reader.Seen.Where(one => one.Type == "chaos.written").Select(one => one.Subject).Order(StringComparer.Ordinal));
            Assert.All(reader.Seen.Where(one => one.Type == "chaos.written").GroupBy(one => one.Actor), own => Assert.Equal(own.Select(one => one.Number).Order(), own.Select(one => one.Number)));
        }

        var late = await fleet.ScalarAsync<long>("SELECT count(*) FROM events e WHERE EXISTS (SELECT FROM events f WHERE f.id > e.id AND f.seq < e.seq)");
        server.Report($"events: {expected} events, {late} of them committed behind a later one, {readers.Sum(reader => reader.Resumptions)} resumptions, {fleet.Replicas.Sum(replica => replica.Starts) - 2} kills of an Api, {clock.Elapsed.TotalSeconds:F0} s");
        Assert.True(late > 0, "no transaction committed late");
    }

    private static async Task WriteAsync(ChaosFleet fleet, int writer, Random random, Stopwatch clock, TimeSpan duration, ConcurrentDictionary<string, bool> committed)
    {
        for (var number = 0; clock.Elapsed < duration;)
        {
            await using var connection = new NpgsqlConnection(fleet.ConnectionString + ";Pooling=false");
            await connection.OpenAsync();
            await using var transaction = await connection.BeginTransactionAsync();
            var subjects = Enumerable.Range(number, random.Next(1, 4)).Select(n => $"{writer}/{n}").ToList();
            number += subjects.Count;
            foreach (var subject in subjects)
            {
                await using var insert = new NpgsqlCommand("INSERT INTO events (type, actor, subject, at) VALUES ('chaos.written', $1, $2, now())", connection)
                {
                    Parameters = { new() { Value = $"writer {writer}" }, new() { Value = subject } },
                };
                await insert.ExecuteNonQueryAsync();
            }

            await Task.Delay(random.Next(4) == 0 ? random.Next(500, 2000) : random.Next(0, 60));
            switch (random.Next(10))
            {
                case 0:
                    await transaction.RollbackAsync();
                    break;
                case 1:
                    // the connection ends, and with it the transaction
                    break;
                default:
                    await transaction.CommitAsync();
                    subjects.ForEach(subject => committed[subject] = true);
                    break;
            }
        }
    }

    private sealed record SeenEvent(long Seq, string Type, string Actor, string Subject)
    {
        public int Number => int.Parse(Subject.Split('/')[1], CultureInfo.InvariantCulture);
    }

    /// <summary>A reader that goes on from the last number it saw, whatever happens to its connection.</summary>
    private sealed class EventReader(string name, int? replica)
    {
        public List<SeenEvent> Seen { get; } = [];

        public int Resumptions { get; private set; }

        private long Last => Seen.Count == 0 ? 0 : Seen[^1].Seq;

        public async Task RunAsync(ChaosFleet fleet, CancellationToken stop)
        {
            using var http = fleet.NewClient(ChaosFleet.AdminKey, replica is { } number ? fleet.ReplicaUrls[number] : null);
            while (!stop.IsCancellationRequested)
            {
                try
                {
                    await (replica is null ? PageAsync(http, stop) : StreamAsync(http, stop));
                }
                catch (Exception broken) when (broken is HttpRequestException or IOException or OperationCanceledException)
                {
                    Resumptions++;
                }

                await Task.Delay(20, CancellationToken.None);
            }
        }

        private async Task PageAsync(HttpClient http, CancellationToken stop)
        {
            using var response = await http.GetAsync($"/v1/events?after={Last}&limit=50", stop);
            if (response.IsSuccessStatusCode)
            {
                foreach (var item in JsonNode.Parse(await response.Content.ReadAsStringAsync(stop))!["items"]!.AsArray())
                {
                    Add(item!);
                }
            }
        }

        private async Task StreamAsync(HttpClient http, CancellationToken stop)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/events");
            request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
            request.Headers.Add("Last-Event-ID", Last.ToString(CultureInfo.InvariantCulture));
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop);
            if (!response.IsSuccessStatusCode)
            {
                return;
            }

            using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(stop));
            string? data = null;
            while (await lines.ReadLineAsync(stop) is { } line)
            {
                // an event counts once its empty line is there: half of one may come before the connection breaks
                if (line.StartsWith("data: ", StringComparison.Ordinal))
                {
                    data = line[6..];
                }
                else if (line.Length == 0 && data is not null)
                {
                    Add(JsonNode.Parse(data)!);
                    data = null;
                }
            }
        }

        private void Add(JsonNode item)
        {
            var seen = new SeenEvent((long)item["seq"]!, (string)item["type"]!, (string)item["actor"]!, (string?)item["subject"] ?? string.Empty);
            Assert.True(seen.Seq == Last + 1, $"{name} saw {seen.Seq} after {Last}");
            Seen.Add(seen);
        }
    }
}
