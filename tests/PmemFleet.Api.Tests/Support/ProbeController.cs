using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Hosts;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Tests.Support;

/// <summary>Writes that a feature could have, to try the conventions by themselves.</summary>
[ApiController]
[Route("v1/probe")]
public sealed class ProbeController : ControllerBase
{
    /// <summary>An operation whose result is a resource.</summary>
    [HttpPost("{host}/work")]
    public Task<IActionResult> Work(string host, [FromServices] FleetWrite write) => write.ExecuteAsync(this, async context =>
        await context.Db.LockHostAsync(host, context.Cancelled) is { } row
            ? new WriteOutcome.Accepted(context.Enqueue(row, "probe", host, [new ScrubStep()], $"/v1/probe/{host}", StatusCodes.Status201Created).Id)
            : WriteOutcome.NotFound("host", host));

    [HttpPut("{host}/labels")]
    public Task<IActionResult> Label(string host, [FromBody] UpdateHostRequest request, [FromServices] FleetWrite write) => write.ExecuteAsync(this, async context =>
    {
        if (await context.Db.LockHostAsync(host, context.Cancelled) is not { } row)
        {
            return WriteOutcome.NotFound("host", host);
        }

        if (context.CheckIfMatch(Etag.Of(row.Id, row.Version)) is { } stale)
        {
            return stale;
        }

        row.Labels = new Dictionary<string, string>(request.Labels!);
        row.Version++;
        return new WriteOutcome.Ok(request, Etag.Of(row.Id, row.Version));
    });

    /// <summary>A bug: it does not look at If-Match.</summary>
    [HttpPost("{host}/forgetful")]
    public Task<IActionResult> Forget(string host, [FromServices] FleetWrite write) => write.ExecuteAsync(this, async context =>
    {
        (await context.Db.LockHostAsync(host, context.Cancelled))!.Version++;
        return new WriteOutcome.NoContent();
    });

    /// <summary>A bug: it throws, with a secret in the message.</summary>
    [HttpPost("{host}/broken")]
#pragma warning disable CA1822 // actions are instance methods
    public IActionResult Break(string host) => throw new InvalidOperationException($"the password of {host} is hunter2");
#pragma warning restore CA1822
}

/// <summary>Gives the operation's result, with the host's own tag.</summary>
public sealed class ProbeCompletion : ITaskCompletion
{
    public IReadOnlyCollection<string> Kinds => ["probe"];

    public Task CompleteAsync(FleetDbContext db, IReadOnlyList<FinishedTask> tasks, CancellationToken cancellationToken)
    {
        foreach (var task in tasks.Where(task => task.Refusal is null))
        {
            task.Host.Version++;
            task.Succeed(new UpdateHostRequest { Labels = new Dictionary<string, string> { ["z"] = "1", ["made-by"] = $"{task.Task.Sequence}" } }, Etag.Of(task.Host.Id, task.Host.Version));
        }

        return Task.CompletedTask;
    }
}
