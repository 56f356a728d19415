namespace PmemFleet.Contracts.Lists;

/// <summary>One page of a list.</summary>
/// <typeparam name="T">What is listed.</typeparam>
public sealed record ListPage<T>
{
    /// <summary>The items, in the list's documented order.</summary>
    public required IReadOnlyList<T> Items { get; init; }

    /// <summary>Opaque; pass it as <c>cursor</c> for the next page. Null on the last page.</summary>
    public string? NextCursor { get; init; }
}
