using System.Buffers.Binary;
using System.Globalization;
using PmemFleet.Contracts.Problems;

namespace PmemFleet.Api.Conventions;

/// <summary>
/// Strong ETags. A tag is made of the row's id and its own version counter, so that a name that is used again never shows an old tag.
/// </summary>
public static class Etag
{
    public const string Any = IfMatch.Any;

    /// <summary>The tag, with its quotes.</summary>
    public static string Of(Guid id, long version)
    {
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        return string.Create(CultureInfo.InvariantCulture, $"\"{BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]):x16}.{version}\"");
    }

    /// <summary>Compares the request's If-Match with the resource's tag: null where it matches or is absent.</summary>
    public static RefusalDto? Check(HttpRequest request, string current) =>
        request.Headers.IfMatch is { Count: > 0 } header ? IfMatch.Check(header, current) : null;

    /// <summary>What the request makes or starts has no version that could match (RFC 9110 section 13.1.1): null where If-Match is absent, or any.</summary>
    public static RefusalDto? NothingToMatch(HttpRequest request) => request.Headers.IfMatch.Count == 0 || request.Headers.IfMatch == Any ? null : new RefusalDto
    {
        Errno = "ESTALE",
        Code = "precondition-failed",
        Message = "What this request makes or starts has no ETag yet, so If-Match cannot hold; leave it out.",
        Numbers = new Dictionary<string, string> { ["ifMatch"] = request.Headers.IfMatch.ToString() },
        Allowed = [Any],
        Subject = "#/header/If-Match",
    };
}
