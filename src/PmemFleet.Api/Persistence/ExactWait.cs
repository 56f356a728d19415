using System.Collections.Concurrent;
using System.Diagnostics;

namespace PmemFleet.Api.Persistence;

/// <summary>
/// Waits of about a millisecond. The runtime's timers take two to three milliseconds for one, measured under load, which is a third of what a whole batch takes; a
/// thread that sleeps takes one and a half. It does nothing while nobody waits.
/// </summary>
/// <param name="length">How long each wait is.</param>
/// <param name="name">The thread's.</param>
internal sealed class ExactWait(TimeSpan length, string name) : IDisposable
{
    private readonly BlockingCollection<(TaskCompletionSource Wait, long Since)> _waiting = [];
    private Thread? _thread;

    /// <summary>One wait; none once this is disposed.</summary>
    public Task WaitAsync()
    {
        var wait = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            _waiting.Add((wait, Stopwatch.GetTimestamp()));
        }
        catch (InvalidOperationException)
        {
            return Task.CompletedTask;
        }

        if (Volatile.Read(ref _thread) is null)
        {
            var thread = new Thread(Sleep) { IsBackground = true, Name = name };
            if (Interlocked.CompareExchange(ref _thread, thread, null) is null)
            {
                thread.Start();
            }
        }

        return wait.Task;
    }

    /// <summary>Who waits now still gets its wait; from now on nobody waits.</summary>
    public void Dispose() => _waiting.CompleteAdding();

    private void Sleep()
    {
        foreach (var (wait, since) in _waiting.GetConsumingEnumerable())
        {
            // of several that came together the latter have waited already
            var left = length - Stopwatch.GetElapsedTime(since);
            if (left > TimeSpan.Zero)
            {
#pragma warning disable RS0030 // this is what the thread is for
                Thread.Sleep(TimeSpan.FromMilliseconds(Math.Ceiling(left.TotalMilliseconds)));
#pragma warning restore RS0030
            }

            wait.SetResult();
        }
    }
}
