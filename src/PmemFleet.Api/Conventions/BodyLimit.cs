using System.Globalization;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Metadata;
using PmemFleet.Api.Problems;

namespace PmemFleet.Api.Conventions;

/// <summary>How many bytes a request may bring: few, unless its endpoint says more (<see cref="IRequestSizeLimitMetadata"/>). The server counts them, announced or chunked.</summary>
public static class BodyLimit
{
    /// <summary>Sets what holds where an endpoint says nothing; routing sets the endpoint's own.</summary>
    public static void Set(HttpContext http, long bytes)
    {
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } feature)
        {
            feature.MaxRequestBodySize = bytes;
        }
    }

    /// <summary>The refusal of a body that announces more than it may have, before any of it is read.</summary>
    public static FleetProblem? Check(HttpContext http) => http.Request.ContentLength is { } bytes && Of(http) is { } limit && bytes > limit ? Exceeded(http) : null;

    /// <summary>The refusal, with the limit.</summary>
    public static FleetProblem Exceeded(HttpContext http)
    {
        var numbers = new Dictionary<string, string>();
        Add(numbers, "limit", Of(http));
        Add(numbers, "bytes", http.Request.ContentLength);
        return new FleetProblem(StatusCodes.Status413PayloadTooLarge, "body-too-large", "EFBIG", "The body is larger than this endpoint takes.") { Numbers = numbers };
    }

    private static long? Of(HttpContext http) => http.Features.Get<IHttpMaxRequestBodySizeFeature>()?.MaxRequestBodySize;

    private static void Add(Dictionary<string, string> numbers, string name, long? value)
    {
        if (value is { } number)
        {
            numbers[name] = number.ToString(CultureInfo.InvariantCulture);
        }
    }
}
