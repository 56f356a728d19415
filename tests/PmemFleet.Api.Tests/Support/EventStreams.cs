namespace PmemFleet.Api.Tests.Support;

/// <summary><c>/v1/events</c> as a stream.</summary>
public static class EventStreams
{
    /// <summary>Opens it from the first event on; it has been let in.</summary>
    public static async Task<StreamReader> StreamEventsAsync(this HttpClient client)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/events?after=0");
        request.Headers.Accept.ParseAdd("text/event-stream");
        var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(System.Net.HttpStatusCode.OK, response.StatusCode);
        return new StreamReader(await response.Content.ReadAsStreamAsync());
    }

    /// <summary>Reads until a text comes; fails where the stream ends before it does.</summary>
    public static async Task UntilAsync(this StreamReader stream, string text, TimeSpan within)
    {
        using var patience = new CancellationTokenSource(within);
        string? line;
        do
        {
            line = await stream.ReadLineAsync(patience.Token) ?? throw new EndOfStreamException($"no '{text}' came");
        }
        while (!line.Contains(text, StringComparison.Ordinal));
    }

    /// <summary>What is left of it until the service ends it.</summary>
    public static async Task<string> ToEndAsync(this StreamReader stream, TimeSpan within)
    {
        using var patience = new CancellationTokenSource(within);
        return await stream.ReadToEndAsync(patience.Token);
    }
}
