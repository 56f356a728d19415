using Microsoft.AspNetCore.Mvc;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Idempotency;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Problems;
using PmemFleet.Api.Sync;
using PmemFleet.Contracts.DataPlane;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.DataPlane;

/// <summary>
/// Passes a request on to the worker that holds the host, and what the request changed on the DIMMs into the rows, so that the
/// caller's next look at media errors already shows it.
/// </summary>
public sealed class DataPlaneProxy(
    FleetDbContext db, WorkerTargets targets, WorkerClient client, FleetTransactions transactions, IDimmObservationSink sink, DataPlaneAudit audit)
{
    public WorkerClient Client => client;

    public Task<(WorkerTarget? Target, RefusalDto? Refusal)> FindAsync(string host, CancellationToken cancellationToken, bool poweredOff = false) =>
        targets.FindReadyAsync(db, host, cancellationToken, poweredOff);

    /// <inheritdoc cref="WorkerTargets.SendAsync{T}"/>
    public Task<WorkerAnswer<T>> SendAsync<T>(
        string host, Func<WorkerTarget, Task<WorkerAnswer<T>>> send, bool repeatable, CancellationToken cancellationToken)
        where T : class => targets.SendAsync(db, host, send, repeatable, cancellationToken);

    /// <summary>Reads a resource; its ETag is a digest of what is read, because the worker keeps no versions.</summary>
    public async Task<IActionResult> GetAsync<T>(ControllerBase controller, string host, string path, Func<T, object>? shape = null)
        where T : class
    {
        var answer = await SendAsync<T>(host, HttpMethod.Get, path, null, null, controller.HttpContext.RequestAborted);
        if (answer.Value is not { } value)
        {
            return RefusalOf(answer);
        }

        var body = FleetJson.ToUtf8(shape is null ? value : shape(value));
        return new WriteAnswerResult(new WriteAnswer(StatusCodes.Status200OK, body, null, EtagOf(answer, body)));
    }

    /// <summary>A text the worker prints.</summary>
    public async Task<IActionResult> GetTextAsync(ControllerBase controller, string host, string path)
    {
        var cancelled = controller.HttpContext.RequestAborted;
        var answer = await SendAsync(host, target => client.ReadTextAsync(target, path, cancelled), repeatable: true, cancelled);
        return answer.Value is { } text ? controller.Content(text, "text/plain; charset=utf-8") : RefusalOf(answer);
    }

    /// <summary>A write on the worker's side: a POST that makes something, or a change.</summary>
    public async Task<IActionResult> WriteAsync<T>(
        ControllerBase controller, string host, HttpMethod method, string path, object? body, Func<T, string>? locationOf = null)
        where T : class
    {
        var http = controller.HttpContext;
        var (stale, tag) = method == HttpMethod.Post ? (Etag.NothingToMatch(http.Request)?.ToResult(), null) : await MatchAsync<T>(http, host, path);
        if (stale is not null)
        {
            return stale;
        }

        var key = PresentedKey.Of(http)?.ForWorker;
        var answer = await SendAsync<T>(host, method, PathOf(http, path), body, RequestConditions.Of(key, tag), http.RequestAborted);
        if (answer.Refusal is not null)
        {
            return RefusalOf(answer);
        }

        // a caller that gave no key repeated nothing
        var isReplayed = answer.Replayed && key is not null;
        if (answer.Value is not { } value || value is Acknowledged)
        {
            return await AnswerAsync(http, host, new WriteAnswer(StatusCodes.Status204NoContent, null, null, null) { Replayed = isReplayed });
        }

        var bytes = FleetJson.ToUtf8(value);
        return await AnswerAsync(
            http,
            host,
            new WriteAnswer(locationOf is null ? StatusCodes.Status200OK : StatusCodes.Status201Created, bytes, locationOf?.Invoke(value), EtagOf(answer, bytes))
            {
                Replayed = isReplayed,
            });
    }

    /// <summary>Where the worker does this write, or only rehearses it.</summary>
    public static string PathOf(HttpContext http, string path) => QueryConventions.IsDryRun(http.Request) ? $"{DataPlaneRoutes.DryRun}/{path}" : path;

    /// <summary>The answer of a write that the worker did, or rehearsed.</summary>
    public async Task<IActionResult> AnswerAsync(HttpContext http, string host, WriteAnswer answer)
    {
        if (QueryConventions.IsDryRun(http.Request))
        {
            return new WriteAnswerResult(answer with { DryRun = true });
        }

        await audit.NoteAsync(http, host);
        return new WriteAnswerResult(answer);
    }

    /// <summary>Deletes a resource of type <typeparamref name="T"/>.</summary>
    public async Task<IActionResult> DeleteAsync<T>(ControllerBase controller, string host, string path)
        where T : class
    {
        var http = controller.HttpContext;
        var (stale, tag) = await MatchAsync<T>(http, host, path);
        if (stale is not null)
        {
            return stale;
        }

        var answer = await SendAsync<Acknowledged>(host, HttpMethod.Delete, PathOf(http, path), null, RequestConditions.Of(null, tag), http.RequestAborted);
        return answer.Refusal is null
            ? await AnswerAsync(http, host, new WriteAnswer(StatusCodes.Status204NoContent, null, null, null))
            : RefusalOf(answer);
    }

    public async Task<WorkerAnswer<T>> SendAsync<T>(
        string host, HttpMethod method, string path, object? body, RequestConditions? conditions, CancellationToken cancellationToken)
        where T : class
    {
        var answer = await SendAsync(
            host, target => client.SendAsync<T>(target, method, path, body, conditions, cancellationToken), repeatable: true, cancellationToken);
        await ApplyAsync(answer.Observations);
        return answer;
    }

    /// <summary>What a request changed on the DIMMs. The worker brings the same again with its next sync.</summary>
    public Task ApplyAsync(IReadOnlyList<DimmObservation> observations) => observations.Count == 0
        ? Task.CompletedTask
        : transactions.RunAsync(
            async (changes, cancelled) =>
            {
                var epochs = (await changes.LockHostsAsync([.. observations.Select(observation => observation.HostId).Distinct()], cancelled)).ToDictionary(row => row.Id, row => row.Epoch);
                await sink.ApplyAsync(changes, [.. observations.Where(seen => epochs.GetValueOrDefault(seen.HostId, -1) == seen.Epoch)], cancelled);
                return 0;
            },
            CancellationToken.None);

    public static IActionResult RefusalOf<T>(WorkerAnswer<T> answer)
        where T : class => (answer.Refusal ?? NoAnswer).ToResult(answer.Status);

    /// <summary>
    /// The tag that a conditional write has to find, or why it is refused. The worker compares it again, under the gate that the change is made under. A worker
    /// of the version before compares nothing: for it this look is the only one.
    /// </summary>
    private async Task<(IActionResult? Refused, string? Tag)> MatchAsync<T>(HttpContext http, string host, string path)
        where T : class
    {
        if (http.Request.Headers.IfMatch.Count == 0 || http.Request.Headers.IfMatch == Etag.Any)
        {
            return (null, null);
        }

        var current = await SendAsync<T>(host, HttpMethod.Get, path, null, null, http.RequestAborted);
        if (current.Value is not { } value)
        {
            return (RefusalOf(current), null);
        }

        var tag = EtagOf(current, FleetJson.ToUtf8(value));
        return (Etag.Check(http.Request, tag)?.ToResult(), tag);
    }

    private static string EtagOf<T>(WorkerAnswer<T> answer, ReadOnlySpan<byte> body)
        where T : class => answer.Etag ?? ContentTag.Of(body);

    private static readonly RefusalDto NoAnswer = new() { Errno = "EAGAIN", Code = "worker-unreachable", Message = "The worker gave no answer." };
}
