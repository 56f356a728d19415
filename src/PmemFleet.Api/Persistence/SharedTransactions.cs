using System.Diagnostics;
using PmemFleet.Api.Hosting;

namespace PmemFleet.Api.Persistence;

/// <summary>What transactions that several requests share have in common (<see cref="Gathering{TItem}"/>): how many, how large, their span, and the way of who goes alone.</summary>
public static class SharedTransactions
{
    /// <summary>Transactions of one kind at the same time: one for two cores, the other one is PostgreSQL's.</summary>
    public static readonly int Places = Math.Max(1, Environment.ProcessorCount / 2);

    /// <summary>Requests that share one, at most.</summary>
    public const int Most = 64;

    /// <summary>A span with a link to each request; null for one request, in whose own trace the statements are.</summary>
    public static Activity? StartSpan(string name, IReadOnlyCollection<Activity?> requests) => requests.Count == 1
        ? null
        : Telemetry.Spans.StartActivity(ActivityKind.Internal, links: requests.OfType<Activity>().Select(request => new ActivityLink(request.Context)), name: name);

    /// <summary>Does it for one request, in its trace: it holds up nobody, and a failure is its own.</summary>
    public static async Task AloneAsync<T>(TaskCompletionSource<T> answer, Activity? request, Func<Task<T>> run)
    {
        Activity.Current = request;
        var done = run();
        await ((Task)done).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        answer.SetFromTask(done);
    }
}
