using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Npgsql;

namespace PmemFleet.Benchmarks.ControlPlane;

/// <summary>How long reads take, through the Api and by a plain statement beside it.</summary>
internal static class ReadTimes
{
    /// <summary>Through the fleet.</summary>
    public const int Walks = 5;

    /// <summary>Of requests one after the other, in milliseconds.</summary>
    public static async Task<double> P99Async(HttpClient http, int count, Func<int, string> path, CancellationToken token)
    {
        var times = new List<double>();
        for (var number = -count / 5; number < count; number++)
        {
            var start = Stopwatch.GetTimestamp();
            using var answer = await http.GetAsync(new Uri(path(Math.Abs(number)), UriKind.Relative), token);
            _ = await answer.EnsureSuccessStatusCode().Content.ReadAsByteArrayAsync(token);
            if (number >= 0)
            {
                times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
        }

        return ReadSpan.Of(times).P99;
    }

    /// <summary>Of the pages of all namespaces of the whole fleet, walked several times: of one walk's hundred pages it would be the slowest.</summary>
    public static async Task<ReadSpan> PagesP99Async(HttpClient http, CancellationToken token)
    {
        // once without a clock, as everywhere
        await PagesAsync(http, token);
        var times = new List<double>();
        for (var walk = 0; walk < Walks; walk++)
        {
            times.AddRange(await PagesAsync(http, token));
        }

        return ReadSpan.Of(times);
    }

    /// <summary>
    /// Of the pages of the namespaces of hosts with a label, once through all that the label selects and again until there are so many pages. Only the Api
    /// is warm: each connection's first plans are the dear ones, and a first pass without a clock would hide them.
    /// </summary>
    public static async Task<ReadSpan> LabelledPagesP99Async(HttpClient http, string selector, int expected, int pages, CancellationToken token)
    {
        using (var answer = await http.GetAsync(new Uri($"/v1/namespaces?limit=1&labelSelector={Uri.EscapeDataString(selector)}", UriKind.Relative), token))
        {
            answer.EnsureSuccessStatusCode();
        }

        var times = new List<double>();
        while (times.Count < pages)
        {
            var found = 0;
            await foreach (var (took, count, _) in WalkAsync(http, selector, token))
            {
                found += count;
                times.Add(took);
            }

            if (found != expected)
            {
                throw new InvalidOperationException($"{selector} selects {found} namespaces and not {expected}");
            }
        }

        return ReadSpan.Of(times);
    }

    /// <summary>Page by page through all namespaces; those of the whole fleet count, the others come before them.</summary>
    private static async Task<List<double>> PagesAsync(HttpClient http, CancellationToken token)
    {
        var times = new List<double>();
        await foreach (var (took, count, first) in WalkAsync(http, null, token))
        {
            if (count == 1000 && first!.StartsWith("big-", StringComparison.Ordinal))
            {
                times.Add(took);
            }
        }

        return times;
    }

    private static async IAsyncEnumerable<(double Took, int Count, string? FirstHost)> WalkAsync(HttpClient http, string? selector, [EnumeratorCancellation] CancellationToken token)
    {
        var path = selector is null ? "/v1/namespaces?limit=1000" : $"/v1/namespaces?limit=1000&labelSelector={Uri.EscapeDataString(selector)}";
        for (string? cursor = string.Empty; cursor is not null;)
        {
            var start = Stopwatch.GetTimestamp();
            using var answer = await http.GetAsync(new Uri(cursor.Length == 0 ? path : $"{path}&cursor={Uri.EscapeDataString(cursor)}", UriKind.Relative), token);
            var body = await answer.EnsureSuccessStatusCode().Content.ReadAsByteArrayAsync(token);
            var took = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            using var page = JsonDocument.Parse(body);
            cursor = page.RootElement.TryGetProperty("nextCursor", out var next) ? next.GetString() : null;
            var items = page.RootElement.GetProperty("items");
            yield return (took, items.GetArrayLength(), items.GetArrayLength() == 0 ? null : items[0].GetProperty("host").GetString());
        }
    }

    /// <summary>Of a statement, with all of its rows.</summary>
    public static async Task<double> SelectP99Async(NpgsqlDataSource source, int count, string sql, CancellationToken token)
    {
        var times = new List<double>();
        for (var number = -count / 5; number < count; number++)
        {
            var start = Stopwatch.GetTimestamp();
            await using (var command = source.CreateCommand(sql))
            await using (var reader = await command.ExecuteReaderAsync(token))
            {
                while (await reader.ReadAsync(token))
                {
                    _ = reader.GetValue(0);
                }
            }

            if (number >= 0)
            {
                times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
        }

        return ReadSpan.Of(times).P99;
    }
}

/// <summary>Milliseconds of reads.</summary>
internal readonly record struct ReadSpan(double P99, double Slowest)
{
    public static ReadSpan Of(List<double> times)
    {
        times.Sort();
        return new ReadSpan(times[(int)(times.Count * 0.99)], times[^1]);
    }
}
