using System.Buffers.Text;
using System.ComponentModel.DataAnnotations;
using System.Text;
using Microsoft.AspNetCore.Mvc;
using PmemFleet.Contracts.Lists;

namespace PmemFleet.Api.Conventions;

/// <summary>
/// The query of every list. Bind it with <c>[FromQuery] ListQuery query</c>; lists are ordered by a unique key, and the cursor is the last
/// item's key.
/// </summary>
public sealed class ListQuery
{
    public const int MaxLimit = 1000;

    /// <summary>Items of a page, 1 to 1000; default 100.</summary>
    [FromQuery(Name = "limit")]
    [Range(1, MaxLimit)]
    public int Limit { get; init; } = 100;

    /// <summary><c>nextCursor</c> of the page before.</summary>
    [FromQuery(Name = "cursor")]
    [OpaqueCursor]
    public string? Cursor { get; init; }

    /// <summary>The key after which the page begins; null for the first page.</summary>
    internal string? AfterKey() => Cursor is null ? null : OpaqueCursor.Decode(Cursor);

    /// <summary>The key as a UUID, for lists in the order of ids; null for the first page.</summary>
    internal Guid? AfterId() => AfterKey() is { } key && Guid.TryParseExact(key, "N", out var id) ? id : null;
}

/// <summary>A cursor is base64url of the last key, so that nobody builds one by hand.</summary>
public static class OpaqueCursor
{
    public static string Encode(string key) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(key));

    public static string? Decode(string cursor)
    {
        try
        {
            return new UTF8Encoding(false, true).GetString(Base64Url.DecodeFromChars(cursor));
        }
        catch (Exception malformed) when (malformed is FormatException or ArgumentException)
        {
            return null;
        }
    }
}

/// <summary>Refuses a cursor that this service did not give.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class OpaqueCursorAttribute() : ValidationAttribute("is not a cursor of this list; use nextCursor of the page before.")
{
    public override bool IsValid(object? value) => value is null || (value is string text && OpaqueCursor.Decode(text) is { Length: > 0 });
}

/// <summary>Pages out.</summary>
public static class ListResults
{
    /// <summary>
    /// A page from one item more than the limit: the surplus item says that there is a next page, whose <c>Link</c> is set.
    /// </summary>
    public static ListPage<T> ToPage<T>(this ListQuery query, IReadOnlyList<T> limitPlusOne, Func<T, string> keyOf, HttpContext http)
    {
        if (limitPlusOne.Count <= query.Limit)
        {
            return new ListPage<T> { Items = limitPlusOne };
        }

        IReadOnlyList<T> items = [.. limitPlusOne.Take(query.Limit)];
        var cursor = OpaqueCursor.Encode(keyOf(items[^1]));
        var others = http.Request.Query.Where(pair => pair.Key is not "cursor").SelectMany(pair => pair.Value, (pair, value) => KeyValuePair.Create(pair.Key, value));
        var next = QueryString.Create(others.Append(KeyValuePair.Create("cursor", (string?)cursor)));
        http.Response.Headers.Append("Link", $"<{http.Request.PathBase}{http.Request.Path}{next}>; rel=\"next\"");
        return new ListPage<T> { Items = items, NextCursor = cursor };
    }
}
