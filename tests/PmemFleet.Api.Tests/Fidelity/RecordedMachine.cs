using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using PmemFleet.Api.Tests.Support;

namespace PmemFleet.Api.Tests.Fidelity;

/// <summary>An answer of the Api: a status, a body if it had one, and the exit status that ndctl would end with.</summary>
internal sealed record ApiAnswer(HttpStatusCode Status, JsonNode? Body)
{
    public bool IsSuccess => (int)Status is >= 200 and < 300;

    /// <summary>How the tools end: 0, or 256 less the errno. A device that is missing is ENXIO to them and 404 to HTTP.</summary>
    public int ExitStatus => IsSuccess ? 0 : 256 - (Code == "not-found" ? ErrnoNumbers.Of("ENXIO")
        : int.TryParse((string?)Body?["numbers"]?["exitErrno"], out var errno) ? errno : ErrnoNumbers.Of(Errno));

    public string Code => (string?)Body?["code"] ?? "";

    public string Errno => (string?)Body?["errno"] ?? "";

    public string Detail => (string?)Body?["detail"] ?? "";

    public override string ToString() => IsSuccess ? $"{(int)Status} {Body?.ToJsonString()}" : $"{(int)Status} {Errno} {Code}: {Detail}";
}

/// <summary>The host of a recording, driven through REST alone.</summary>
internal sealed class RecordedMachine(HttpClient api, string host)
{
    public string Path { get; } = $"/v1/hosts/{host}";

    /// <summary>Makes the machine that a recording ran on.</summary>
    public static async Task<RecordedMachine> CreateAsync(HttpClient api, Recording recording)
    {
        var host = recording.Name.Replace('_', '-');
        await api.CreateReadyHostAsync(Document(recording, host));
        return new RecordedMachine(api, host);
    }

    public Task<ApiAnswer> PostAsync(string path, string body = "{}") => SendAsync(HttpMethod.Post, path, body);

    public Task<ApiAnswer> PatchAsync(string path, string body) => SendAsync(HttpMethod.Patch, path, body);

    public Task<ApiAnswer> DeleteAsync(string path) => SendAsync(HttpMethod.Delete, path, null);

    public Task<ApiAnswer> GetAsync(string path) => SendAsync(HttpMethod.Get, path, null);

    /// <summary>All items of a list.</summary>
    public async Task<JsonArray> ListAsync(string path)
    {
        var answer = await GetAsync($"{path}{(path.Contains('?', StringComparison.Ordinal) ? '&' : '?')}limit=1000");
        Assert.True(answer.IsSuccess, answer.ToString());
        return answer.Body!["items"]!.AsArray();
    }

    public Task<byte[]> BytesAsync(string path) => api.GetByteArrayAsync(new Uri(Path + path, UriKind.Relative));

    public Task<HttpResponseMessage> ReadAsync(string path) => api.GetAsync(new Uri(Path + path, UriKind.Relative));

    public Task<HttpResponseMessage> WriteAsync(string path, byte[] bytes) => api.PutBytesAsync(Path + path, bytes);

    public async Task<string> TextAsync(string path) => await api.GetStringAsync(new Uri(Path + path, UriKind.Relative));

    private async Task<ApiAnswer> SendAsync(HttpMethod method, string path, string? body)
    {
        var ifMatch = method == HttpMethod.Delete || method == HttpMethod.Patch ? "*" : null;
        using var response = await api.SendJsonAsync(method, Path + path, body, ifMatch);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True((int)response.StatusCode < 500, $"{method} {path} {body}: {(int)response.StatusCode} {text}");
        Assert.True(response.StatusCode != HttpStatusCode.Accepted, $"{method} {path} {body} did not end within 30 s: {text}");
        return new ApiAnswer(response.StatusCode, text.Length == 0 ? null : JsonNode.Parse(text));
    }

    private static string Document(Recording recording, string host)
    {
        if (recording.Name.StartsWith("k_e820", StringComparison.Ordinal))
        {
            return $$"""{"name":"{{host}}","provider":"e820","regions":[{"dimms":[],"size":"256M","start":"0x40000000"}]}""";
        }

        // Linux gave region1 to the DIMM that was probed second: nmem2
        var (dimms, order) = recording.Name == "a_label_init"
            ? (new[] { ("1G", "2M"), ("1G", "128K"), ("1G", "0") }, new[] { 0, 2, 1 })
            : (Dimms(recording), null);
        var plugged = dimms.Select((dimm, at) =>
            $$"""{"capacity":"{{dimm.Item1}}","labelSize":"{{dimm.Item2}}","serialNumber":"{{0x123456 + at}}","vendorId":"0x8086"}""");
        long start = 0x100000000;
        var starts = dimms.Select(dimm => (start += Bytes(dimm.Item1)) - Bytes(dimm.Item1)).ToArray();
        var regions = (order ?? [.. Enumerable.Range(0, dimms.Length)])
            .Select(at => $$"""{"dimms":["nmem{{at}}"],"start":{{starts[at]}}}""");
        return $$"""{"name":"{{host}}","dimms":[{{string.Join(',', plugged)}}],"regions":[{{string.Join(',', regions)}}]}""";
    }

    private static (string Capacity, string Labels)[] Dimms(Recording recording)
    {
        var words = recording.Machine();
        if (words.Length == 0)
        {
            // recordings whose script is not kept: the label steps of group b ran on 4 GiB, but for one
            var isLarge = recording.Name.StartsWith("a_b_", StringComparison.Ordinal) && recording.Name != "a_b_modes_v12_labels";
            return [(isLarge ? "4G" : "1G", "2M")];
        }

        return [.. words.Select(word => word.Split(',')).Select(parts => (parts[1].Split('+')[0], parts[^1] is ['l', .. var label] ? label[5..] : "2M"))];
    }

    private static long Bytes(string size) =>
        long.Parse(size[..^1], CultureInfo.InvariantCulture) << (size[^1] switch { 'K' => 10, 'M' => 20, _ => 30 });
}
