using System.Net;
using Microsoft.Extensions.DependencyInjection;
using PmemFleet.Api.Events;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Events;
using PmemFleet.Contracts.Lists;

namespace PmemFleet.Api.Tests.Events;

public sealed class EventTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    /// <summary>
    /// Writers hold their transactions open for random times and commit out of order; a reader polls and a stream runs meanwhile. Both must see each event
    /// once, without a gap, each writer's events in its own order, and never anything new below what they saw.
    /// </summary>
    [Fact]
    public async Task Read_WhileWritersCommitOutOfOrder_MissesNothing()
    {
        const int writers = 8;
        const int eventsEach = 25;
        var start = await ReadAsync(0) is [.., var last] ? last.Seq : 0;
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var streamed = StreamAsync(start, writers * eventsEach, stop.Token);
        var random = new Random(20261123);
        var delays = Enumerable.Range(0, writers).Select(_ => Enumerable.Range(0, eventsEach).Select(_ => random.Next(0, 40)).ToArray()).ToArray();
        var writing = Task.WhenAll(Enumerable.Range(0, writers).Select(async writer =>
        {
            for (var i = 0; i < eventsEach; i++)
            {
                var delay = delays[writer][i];
                var number = i;
                await api.WriteAsync(async db =>
                {
                    db.AppendEvent("test.written", $"writer {writer}", TimeProvider.System.GetUtcNow(), subject: $"{number}");
                    await db.SaveChangesAsync();
                    await Task.Delay(delay);
                    return 0;
                });
            }
        }));

        var polled = new List<EventDto>();
        while (polled.Count < writers * eventsEach)
        {
            Assert.False(stop.IsCancellationRequested);
            polled.AddRange(await ReadAsync(polled.Count == 0 ? start : polled[^1].Seq));
        }

        await writing;
        foreach (var seen in new[] { polled, await streamed })
        {
            Assert.Equal(Enumerable.Range(1, writers * eventsEach).Select(i => start + i), seen.Select(one => one.Seq));
            Assert.All(seen.GroupBy(one => one.Actor), own => Assert.Equal(
                Enumerable.Range(0, eventsEach).Select(i => $"{i}"), own.Select(one => one.Subject)));
        }
    }

    [Fact]
    public async Task Read_OpenTransactionBelowCommittedOne_ComesLaterInTheSequence()
    {
        await using var connection = await api.ConnectAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var insert = new Npgsql.NpgsqlCommand("INSERT INTO events (type, actor, at) VALUES ('test.late', 'x', now())", connection))
        {
            await insert.ExecuteNonQueryAsync();
        }

        await AppendAsync("test.early");
        var first = (await ReadAsync(0))[^1];
        Assert.Equal("test.early", first.Type);
        await transaction.CommitAsync();
        var late = Assert.Single(await ReadAsync(first.Seq));
        Assert.Equal(("test.late", first.Seq + 1), (late.Type, late.Seq));
    }

    [Fact]
    public async Task Stream_ResumedByLastEventId_GoesOnWithTheNext()
    {
        await AppendAsync("test.one");
        await AppendAsync("test.two");
        var all = await ReadAsync(0);
        var resumed = await StreamAsync(all[^2].Seq, 1, CancellationToken.None);
        Assert.Equal(all[^1].Seq, resumed.Single().Seq);
    }

    [Fact]
    public async Task Read_PageByPage_LinksToTheNext()
    {
        await AppendAsync("test.page");
        await AppendAsync("test.page");
        var response = await api.Admin.GetAsync("/v1/events?limit=1");
        var page = await response.ReadAsync<ListPage<EventDto>>();
        Assert.Equal(1, page.Items.Single().Seq);
        Assert.Equal($"</v1/events?after={page.NextCursor}&limit=1>; rel=\"next\"", response.Headers.GetValues("Link").Single());
    }

    [Fact]
    public async Task Stream_KilledListener_StillDelivers()
    {
        await AppendAsync("test.before");
        var last = (await ReadAsync(0))[^1].Seq;
        var stream = StreamAsync(last, 1, CancellationToken.None);
        await using (var connection = await api.ConnectAsync())
        await using (var kill = new Npgsql.NpgsqlCommand(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'", connection))
        {
            Assert.NotEqual(0L, await kill.ExecuteScalarAsync());
        }

        await AppendAsync("test.after");
        Assert.Equal("test.after", (await stream.WaitAsync(TimeSpan.FromSeconds(10))).Single().Type);
    }

    [Theory]
    [InlineData("x")]
    [InlineData("-1")]
    public async Task Stream_BadLastEventId_Is400(string id)
    {
        using var request = StreamRequest();
        request.Headers.Add("Last-Event-ID", id);
        Assert.Equal("last-event-id-invalid", (await (await api.Admin.SendAsync(request)).ReadProblemAsync()).Code);
    }

    private Task<int> AppendAsync(string type) => api.WriteAsync(db =>
    {
        db.AppendEvent(type, "test", TimeProvider.System.GetUtcNow());
        return Task.FromResult(0);
    });

    private async Task<IReadOnlyList<EventDto>> ReadAsync(long after) =>
        (await (await api.Admin.GetAsync($"/v1/events?after={after}&limit=1000")).ReadAsync<ListPage<EventDto>>()).Items;

    private static HttpRequestMessage StreamRequest()
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "/v1/events");
        request.Headers.Accept.ParseAdd("text/event-stream");
        return request;
    }

    private async Task<List<EventDto>> StreamAsync(long lastEventId, int count, CancellationToken cancellationToken)
    {
        using var request = StreamRequest();
        request.Headers.Add("Last-Event-ID", $"{lastEventId}");
        using var response = await api.Admin.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken));
        var events = new List<EventDto>();
        while (events.Count < count && await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            if (line.StartsWith("data: ", StringComparison.Ordinal))
            {
                events.Add(System.Text.Json.JsonSerializer.Deserialize(line[6..], Contracts.FleetJsonContext.Default.EventDto)!);
            }
        }

        return events;
    }
}

public sealed class CompactedEventTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    [Fact]
    public async Task Read_BelowTheOldestKept_Is410WithTheOldest()
    {
        for (var i = 0; i < 5; i++)
        {
            await api.CreateKeyAsync("viewer");
        }

        var before = await (await api.Admin.GetAsync("/v1/events?limit=1000")).ReadAsync<ListPage<EventDto>>();
        await using (var connection = await api.ConnectAsync())
        await using (var age = new Npgsql.NpgsqlCommand("UPDATE events SET at = at - interval '40 days' WHERE seq <= 3", connection))
        {
            await age.ExecuteNonQueryAsync();
        }

        var compaction = api.App.Services.GetRequiredService<EventCompaction>();
        Assert.Equal(3, await compaction.CompactAsync(TimeProvider.System.GetUtcNow().AddDays(-30), CancellationToken.None));
        Assert.Equal(0, await compaction.CompactAsync(TimeProvider.System.GetUtcNow().AddDays(-30), CancellationToken.None));
        await api.CreateKeyAsync("viewer");
        var kept = await (await api.Admin.GetAsync("/v1/events?after=3&limit=1000")).ReadAsync<ListPage<EventDto>>();
        Assert.Equal(before.Items.Skip(3).Select(one => one.Seq), kept.Items.SkipLast(1).Select(one => one.Seq));
        Assert.Equal(before.Items[^1].Seq + 1, kept.Items[^1].Seq);

        var problem = await (await api.Admin.GetAsync("/v1/events?after=1")).ReadProblemAsync();
        Assert.Equal((410, "events-compacted", "4"), (problem.Status, problem.Code, problem.Numbers!["oldest"]));
        Assert.Equal(HttpStatusCode.OK, (await api.Admin.GetAsync($"/v1/events?after={problem.Allowed!.Single()}")).StatusCode);
    }
}
