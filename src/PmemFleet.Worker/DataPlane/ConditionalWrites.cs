using System.Text.Json;
using Microsoft.Extensions.Primitives;
using PmemFleet.Contracts;
using PmemFleet.Contracts.DataPlane;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Processes;
using PmemFleet.Worker.Hosts;

namespace PmemFleet.Worker.DataPlane;

/// <summary>If-Match of writes. The tag is compared under the gate that the change is made under: of two writes with one tag, one is done.</summary>
internal static class ConditionalWrites
{
    /// <summary>The tag of what writes can be conditional on; null of anything else.</summary>
    public static string? TagOf(object? value) => value switch
    {
        ProcessDto process => ContentTag.Of(JsonSerializer.SerializeToUtf8Bytes(process, FleetJsonContext.Default.ProcessDto)),
        MappingDto mapping => ContentTag.Of(JsonSerializer.SerializeToUtf8Bytes(mapping, FleetJsonContext.Default.MappingDto)),
        _ => null,
    };

    /// <summary>The write, done only while what it changes has the tag that the request asks for.</summary>
    /// <param name="http">The request.</param>
    /// <param name="current">What the write changes, as it is.</param>
    /// <param name="write">The write.</param>
    public static Func<LiveHost, Answer<T>> IfMatches<TCurrent, T>(HttpContext http, Func<LiveHost, Answer<TCurrent>> current, Func<LiveHost, Answer<T>> write)
        where TCurrent : class
        where T : class => host => Check(http.Request.Headers.IfMatch, current, host) is { } refusal ? refusal : write(host);

    private static RefusalDto? Check<T>(StringValues header, Func<LiveHost, Answer<T>> current, LiveHost host)
        where T : class
    {
        if (header.Count == 0)
        {
            return null;
        }

        var (value, refusal) = current(host);
        return refusal ?? IfMatch.Check(header, TagOf(value)!);
    }
}
