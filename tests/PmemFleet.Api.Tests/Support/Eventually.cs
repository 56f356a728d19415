namespace PmemFleet.Api.Tests.Support;

/// <summary>Waits for what must come true soon.</summary>
public static class Eventually
{
    public static async Task Async(Func<Task<bool>> condition, TimeSpan within)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(start) < within, "it did not come true in time");
            await Task.Delay(20);
        }
    }
}
