using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using PmemFleet.Api.Fleets;

namespace PmemFleet.Chaos.Tests.Fuzz;

/// <summary>A request as it is sent, with what a failure shows of it.</summary>
internal sealed record HostileRequest(string Method, string Target, byte[]? Body, string? MediaType, IReadOnlyList<(string Name, string Value)> Headers)
{
    public HttpRequestMessage ToMessage()
    {
        var message = new HttpRequestMessage(new HttpMethod(Method), Target);
        if (Body is not null)
        {
            message.Content = new ByteArrayContent(Body);
            if (MediaType is not null && !message.Content.Headers.TryAddWithoutValidation("Content-Type", MediaType))
            {
                message.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            }
        }

        foreach (var (name, value) in Headers)
        {
            message.Headers.TryAddWithoutValidation(name, value);
        }

        return message;
    }

    public override string ToString()
    {
        var body = Body is null ? string.Empty : Encoding.UTF8.GetString(Body.AsSpan(0, Math.Min(Body.Length, 400)));
        return $"{Method} {(Target.Length > 300 ? Target[..300] + "…" : Target)} [{string.Join("; ", Headers)}] {MediaType} {Body?.Length}: {body}";
    }
}

/// <summary>Requests of an operation: a good one, with one to three things wrong where it is to be hostile.</summary>
internal sealed class HostileRequests(Random random, Func<string, IReadOnlyList<string>> known)
{
    private static readonly string[] EscapedPath = ["%00", "%FF", "%C0%AF", "%2e%2e", "%2F", "..%2f..", "%25", "%F0%9F%98%80", "a%0d%0ab", "%20"];

    private static readonly string[] HeaderValues =
        ["", "*", "\"\"", "\"x\"", "W/\"x\"", "\"a\", \"b\"", "wait=-1", "wait=99999999999", "wait=1, wait=2", "respond-async, wait=1", "\"unclosed", "\u00e9", "application/xml", "bytes=0-1", new('k', 201), new('k', 6000)];

    public HostileRequest Make(ApiOperation operation, bool hostile)
    {
        // 0 path, 1 query, 2 header, 3 document, 4 member, 5 media type: mostly one, so that what is right leads far in
        var wrongs = !hostile ? 0 : random.Next(10) < 8 ? 1 : random.Next(2, 4);
        var spoiled = Enumerable.Range(0, wrongs).Select(_ => operation.Examples.Count > 0 && random.Next(2) == 0 ? 4 : random.Next(6)).ToHashSet();
        var target = MakePath(operation, spoiled.Contains(0)) + MakeQuery(operation, spoiled.Contains(1));
        var headers = new List<(string, string)> { ("Prefer", "wait=2") };
        if (operation.Method is "PUT" or "DELETE" or "PATCH" && random.Next(8) > 0)
        {
            headers.Add(("If-Match", "*"));
        }

        if (spoiled.Contains(2))
        {
            headers.Add((HostileValues.Pick(random, ["If-Match", "If-None-Match", "Prefer", "Idempotency-Key", "Accept", "Accept-Encoding", "Range", "Expect", "Content-Encoding", "X-HTTP-Method-Override", "traceparent", "baggage"]), HostileValues.Pick(random, HeaderValues)));
        }

        var (body, mediaType) = MakeBody(operation, spoiled);
        return new HostileRequest(operation.Method, target, body, mediaType, headers);
    }

    private string MakePath(ApiOperation operation, bool spoil)
    {
        var path = operation.Path;
        var names = operation.Parameters.Where(parameter => parameter.In == "path").Select(parameter => parameter.Name).ToList();
        var victim = spoil && names.Count > 0 ? HostileValues.Pick(random, names) : null;
        foreach (var name in names)
        {
            var value = name == victim
                ? random.Next(3) == 0 ? HostileValues.Pick(random, EscapedPath) : Escape(HostileValues.Text(random))
                : HostileValues.Pick(random, known(name));
            path = path.Replace($"{{{name}}}", value.Length == 0 ? "%20" : value, StringComparison.Ordinal);
        }

        return path;
    }

    private string MakeQuery(ApiOperation operation, bool spoil)
    {
        var names = operation.Parameters.Where(parameter => parameter.In == "query").Select(parameter => parameter.Name).ToList();
        var pairs = names.Where(name => name is "offset" or "length" || random.Next(name == "namespace" ? 2 : 6) == 0).Select(name => $"{name}={Value(name)}").ToList();
        if (spoil)
        {
            for (var i = random.Next(1, 4); i > 0; i--)
            {
                var name = names.Count > 0 && random.Next(5) > 0 ? HostileValues.Pick(random, names) : HostileValues.Pick(random, ["nope", "", "limit[]", "dryrun", "DryRun", "cursor", "labelSelector"]);
                pairs.RemoveAll(pair => pair.StartsWith(name + "=", StringComparison.Ordinal) && random.Next(3) > 0);
                pairs.Add($"{name}={(random.Next(6) == 0 ? HostileValues.Pick(random, EscapedPath) : Escape(HostileValues.Text(random)))}");
            }
        }

        return pairs.Count == 0 ? string.Empty : "?" + string.Join('&', pairs);
    }

    private string Value(string name) => name switch
    {
        "offset" => "0",
        "length" => "4096",
        "limit" => "10",
        "host" or "namespace" or "region" or "dimm" => HostileValues.Pick(random, known(name)),
        _ => "true",
    };

    private (byte[]? Body, string? MediaType) MakeBody(ApiOperation operation, HashSet<int> spoiled)
    {
        if (operation.MediaType == "application/octet-stream")
        {
            var size = spoiled.Contains(3) ? HostileValues.Pick(random, [0, 1, 511, 513, 4095, 131071, 131073, (16 << 20) + 1]) : HostileValues.Pick(random, [512, 4096, 131072]);
            var bytes = new byte[size];
            random.NextBytes(bytes);
            return (bytes, spoiled.Contains(5) ? HostileValues.Pick(random, ["application/json", "text/plain", "garbage", ";;"]) : operation.MediaType);
        }

        if (operation.MediaType is null)
        {
            return spoiled.Contains(3) && operation.IsWrite ? (HostileValues.Document(random, "{\"a\":1}"), "application/json") : (null, null);
        }

        if (operation.IsYaml)
        {
            var example = HostileValues.Pick(random, operation.Examples);
            var text = spoiled.Contains(3) ? HostileYaml.Document(random, example)
                : spoiled.Contains(4) ? HostileYaml.Spoil(random, example, operation.Members)
                : FleetYaml.Of(example);
            return (Encoding.UTF8.GetBytes(text), spoiled.Contains(5) ? HostileValues.Pick(random, ["application/yaml; charset=utf-16", "text/yaml", "application/x-yaml"]) : operation.MediaType);
        }

        var good = operation.Examples.Count == 0 ? "{}" : HostileValues.Pick(random, operation.Examples).ToJsonString();
        var mediaType = spoiled.Contains(5) ? HostileValues.Pick(random, ["text/plain", "application/xml", "application/yaml", "application/json; charset=utf-16", "application/json; charset=latin1", "multipart/form-data; boundary=x", "application/octet-stream"]) : operation.MediaType;
        return spoiled.Contains(3) ? (HostileValues.Document(random, good), mediaType)
            : spoiled.Contains(4) ? (Encoding.UTF8.GetBytes(HostileMember.Spoil(random, JsonNode.Parse(good)!, operation.Members, 0.5)), mediaType)
            : (Encoding.UTF8.GetBytes(good), mediaType);
    }

    private static string Escape(string text) => string.Concat(Encoding.UTF8.GetBytes(text).Select(b => char.IsAsciiLetterOrDigit((char)b) || b is (byte)'.' or (byte)'-' ? ((char)b).ToString() : $"%{b:X2}"));
}
