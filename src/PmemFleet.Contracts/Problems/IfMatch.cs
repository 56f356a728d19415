namespace PmemFleet.Contracts.Problems;

/// <summary>The rule of If-Match (RFC 9110 section 13.1.1), the same where the Api compares and where a worker does.</summary>
public static class IfMatch
{
    /// <summary>The value that any version matches.</summary>
    public const string Any = "*";

    /// <summary>Compares a header that is there with the resource's tag: null where it matches.</summary>
    /// <param name="header">The header's values, each one tag or several.</param>
    /// <param name="current">The tag, with its quotes.</param>
    public static RefusalDto? Check(IReadOnlyList<string?> header, string current)
    {
        foreach (var tag in header.SelectMany(value => (value ?? string.Empty).Split(',', StringSplitOptions.TrimEntries)))
        {
            if (tag == Any || string.Equals(tag, current, StringComparison.Ordinal))
            {
                return null;
            }
        }

        return new RefusalDto
        {
            Errno = "ESTALE",
            Code = "precondition-failed",
            Message = $"The resource has changed: its ETag is {current}.",
            Numbers = new Dictionary<string, string> { ["etag"] = current, ["ifMatch"] = string.Join(',', header) },
            Subject = "#/header/If-Match",
        };
    }
}
