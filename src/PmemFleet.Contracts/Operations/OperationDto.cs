using System.Text.Json;
using PmemFleet.Contracts.Problems;

namespace PmemFleet.Contracts.Operations;

/// <summary>A change that needs a worker.</summary>
public sealed record OperationDto
{
    /// <summary>Id (UUIDv7).</summary>
    public required Guid Id { get; init; }

    /// <summary>What is done, such as <c>create-namespace</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>The host's name.</summary>
    public string? Host { get; init; }

    /// <summary>What it is about, such as <c>namespace0.1</c>.</summary>
    public string? Subject { get; init; }

    /// <summary><c>pending</c>, <c>running</c>, <c>succeeded</c>, <c>failed</c> or <c>cancelled</c>.</summary>
    public required string State { get; init; }

    /// <summary>0 to 1.</summary>
    public required double Progress { get; init; }

    /// <summary>Where the resource is.</summary>
    public string? ResourceLocation { get; init; }

    /// <summary>The outcome of a succeeded operation.</summary>
    public JsonElement? Result { get; init; }

    /// <summary>Why a failed operation failed.</summary>
    public RefusalDto? Refusal { get; init; }

    /// <summary>When it was accepted.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it ended.</summary>
    public DateTimeOffset? EndedAt { get; init; }
}
