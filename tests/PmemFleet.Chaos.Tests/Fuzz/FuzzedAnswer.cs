using System.Text.Json;
using System.Text.Json.Nodes;

namespace PmemFleet.Chaos.Tests.Fuzz;

/// <summary>Sends what is hostile, and looks at the answer: never a 500, always an answer in time, every refusal a problem document with errno and rule.</summary>
internal static class FuzzedAnswer
{
    private static readonly TimeSpan Hang = TimeSpan.FromSeconds(25);

    /// <summary>Its status; 0 where there was none. What is no proper answer is a finding.</summary>
    public static async Task<int> AskAsync(HttpClient http, string operation, HostileRequest request, SortedDictionary<string, string> findings)
    {
        using var message = request.ToMessage();
        using var limit = new CancellationTokenSource(Hang);
        try
        {
            using var response = await http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            var status = (int)response.StatusCode;
            var text = await response.Content.ReadAsStringAsync(limit.Token);
            if (status >= 500 && status != 503)
            {
                findings.TryAdd($"{operation}: {status} {CodeOf(text)}", $"{request}\n  {text}");
            }
            else if (status == 400 && text.Length == 0 && (request.Target.Contains("%00", StringComparison.Ordinal) || request.Headers.Any(header => !header.Value.All(char.IsAscii))))
            {
                // no HTTP: Kestrel refuses it itself, before there is a request
            }
            else if (status >= 400 && (response.Content.Headers.ContentType?.MediaType != "application/problem+json" || CodeOf(text) is null))
            {
                findings.TryAdd($"{operation}: {status} is no problem document", $"{request}\n  {response.Content.Headers.ContentType} {text}");
            }

            return status;
        }
        catch (OperationCanceledException)
        {
            findings.TryAdd($"{operation}: no answer", request.ToString());
        }
        catch (HttpRequestException) when (request.Body is { Length: > 1 << 20 })
        {
            // answered before it was read: the client was still sending when the connection closed, and does not know the answer
        }
        catch (HttpRequestException broken)
        {
            findings.TryAdd($"{operation}: the connection broke", $"{request}\n  {broken.Message} {broken.InnerException?.Message}");
        }

        return 0;
    }

    private static string? CodeOf(string text)
    {
        try
        {
            var problem = JsonNode.Parse(text);
            return problem?["errno"] is not null && problem["status"] is not null ? (string?)problem["code"] : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
