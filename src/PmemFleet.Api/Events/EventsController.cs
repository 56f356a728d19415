using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Mvc;
using PmemFleet.Api.Access;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.OpenApi;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Events;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Problems;

namespace PmemFleet.Api.Events;

/// <summary>Everything that changed, in one gap-free sequence.</summary>
[ApiController]
[Route("v1/events")]
[Tags("Events")]
public sealed class EventsController(EventFeed feed, EventSequencer sequencer, WakeUps wakeUps, LastingAccess access, IHostApplicationLifetime lifetime) : ControllerBase
{
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Events after a number. With <c>Accept: text/event-stream</c> the answer is a stream that goes on, resumed by <c>Last-Event-ID</c>; it ends when
    /// the caller's credential is revoked or expires.
    /// </summary>
    /// <param name="after">The last number that was seen; 0 from the beginning.</param>
    /// <param name="limit">Events of a page, 1 to 1000; default 100.</param>
    /// <param name="cancellationToken">The caller left.</param>
    [HttpGet]
    [ProducesResponseType<ListPage<EventDto>>(StatusCodes.Status200OK, "application/json", "text/event-stream", Description = "One page of events, or the stream.")]
    [Refused(410, "Events that old are compacted away; the oldest number is in `numbers`.")]
    public async Task<IActionResult> List(
        [FromQuery, Range(0, long.MaxValue)] long? after, [FromQuery, Range(1, ListQuery.MaxLimit)] int limit = 100, CancellationToken cancellationToken = default)
    {
        if (Request.GetTypedHeaders().Accept.Any(accept => accept.MediaType == "text/event-stream"))
        {
            return await StreamAsync(after, cancellationToken);
        }

        // so that a caller sees at once what it wrote itself
        await sequencer.NumberAsync(cancellationToken);
        var (events, refusal) = await feed.ReadAsync(after ?? 0, limit + 1, cancellationToken);
        if (refusal is not null)
        {
            return refusal.ToResult();
        }

        if (events.Count <= limit)
        {
            return Ok(new ListPage<EventDto> { Items = events });
        }

        IReadOnlyList<EventDto> items = [.. events.Take(limit)];
        var next = items[^1].Seq.ToString(CultureInfo.InvariantCulture);
        Response.Headers.Append("Link", $"<{Request.Path}?after={next}&limit={limit}>; rel=\"next\"");
        return Ok(new ListPage<EventDto> { Items = items, NextCursor = next });
    }

    private async Task<IActionResult> StreamAsync(long? after, CancellationToken callerLeft)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(callerLeft, lifetime.ApplicationStopping);
        using var numbered = wakeUps.Subscribe(WakeUps.EventsNumbered);
        var last = Request.Headers["Last-Event-ID"] is [{ } header]
            ? long.TryParse(header, NumberStyles.None, CultureInfo.InvariantCulture, out var resumed) ? resumed : -1
            : after ?? await feed.LastSeqAsync(callerLeft);
        if (last < 0)
        {
            return new RefusalDto { Errno = "EINVAL", Code = "last-event-id-invalid", Message = "Last-Event-ID is the number of an event.", Subject = "#/header/Last-Event-ID" }
                .ToResult(StatusCodes.Status400BadRequest);
        }

        var (events, refusal) = await feed.ReadAsync(last, ListQuery.MaxLimit, callerLeft);
        if (refusal is not null)
        {
            return refusal.ToResult();
        }

        Response.ContentType = "text/event-stream";
        Response.Headers.CacheControl = "no-store";
        await Response.StartAsync(callerLeft);
        try
        {
            await SendAsync(events, last, numbered, stop.Token);
        }
        catch (OperationCanceledException)
        {
            // the caller left, or the Api goes down: it resumes elsewhere
        }

        return new EmptyResult();
    }

    private async Task SendAsync(IReadOnlyList<EventDto> events, long last, WakeUpSubscription numbered, CancellationToken stop)
    {
        var quiet = TimeSpan.Zero;
        await Response.Body.FlushAsync(stop);
        while (true)
        {
            foreach (var item in events)
            {
                var data = JsonSerializer.Serialize(item, FleetJsonContext.Default.EventDto);
                await Response.Body.WriteAsync(Encoding.UTF8.GetBytes($"id: {item.Seq}\nevent: {item.Type}\ndata: {data}\n\n"), stop);
                last = item.Seq;
            }

            if (events.Count > 0 || quiet >= KeepAlive)
            {
                await Response.Body.WriteAsync(": \n\n"u8.ToArray().AsMemory(0, events.Count > 0 ? 0 : 4), stop);
                await Response.Body.FlushAsync(stop);
                quiet = TimeSpan.Zero;
            }

            if (events.Count < ListQuery.MaxLimit)
            {
                await numbered.WaitAsync(Poll, stop);
                quiet += Poll;
            }

            (events, var refusal) = await feed.ReadAsync(last, ListQuery.MaxLimit, stop);
            if (refusal is not null)
            {
                // compacted under a slow reader: the stream ends, and the resumption is answered 410
                return;
            }

            // asked after they were read: what is committed once a key is refused is not sent under it. Its revocation is an event itself, and so ends the wait
            if (!await access.HoldsAsync(HttpContext, stop))
            {
                return;
            }
        }
    }
}
