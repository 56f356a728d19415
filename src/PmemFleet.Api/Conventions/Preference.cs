using System.Globalization;

namespace PmemFleet.Api.Conventions;

/// <summary>How long the caller wants to wait for the worker (RFC 7240: <c>Prefer: wait=N</c>, <c>Prefer: respond-async</c>).</summary>
public static class Preference
{
    public const int DefaultSeconds = 5;
    public const int MaxSeconds = 60;

    /// <summary>Unknown preferences are ignored, as the RFC asks; more than a minute is a minute.</summary>
    public static TimeSpan WaitOf(HttpContext http)
    {
        foreach (var token in http.Request.Headers["Prefer"].SelectMany(value => (value ?? string.Empty).Split(',', StringSplitOptions.TrimEntries)))
        {
            if (token.Equals("respond-async", StringComparison.OrdinalIgnoreCase))
            {
                http.Response.Headers["Preference-Applied"] = "respond-async";
                return TimeSpan.Zero;
            }

            if (token.StartsWith("wait=", StringComparison.OrdinalIgnoreCase)
                && int.TryParse(token.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds))
            {
                var applied = Math.Min(seconds, MaxSeconds);
                http.Response.Headers["Preference-Applied"] = string.Create(CultureInfo.InvariantCulture, $"wait={applied}");
                return TimeSpan.FromSeconds(applied);
            }
        }

        return TimeSpan.FromSeconds(DefaultSeconds);
    }
}
