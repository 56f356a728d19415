namespace PmemFleet.Worker.Tests.Support;

/// <summary>How long a test waits for what must happen.</summary>
internal static class Deadlines
{
    public static TimeSpan Long => TimeSpan.FromSeconds(60);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Waits until it holds; at the deadline the test fails with what is missing.</summary>
    public static async Task UntilAsync(Func<bool> holds, string what) => await UntilAsync(() => Task.FromResult(holds()), what);

    /// <inheritdoc cref="UntilAsync(Func{bool}, string)"/>
    public static async Task UntilAsync(Func<Task<bool>> holds, string what)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (!await holds())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(start) < Long, $"not in time: {what}");
            await Task.Delay(Pause);
        }
    }
}
