using System.Text.Json;

namespace PmemFleet.Contracts.Events;

/// <summary>One change of the fleet.</summary>
public sealed record EventDto
{
    /// <summary>Gap-free position in the one sequence.</summary>
    public required long Seq { get; init; }

    /// <summary>What happened, such as <c>namespace.created</c>.</summary>
    public required string Type { get; init; }

    /// <summary>The host's name.</summary>
    public string? Host { get; init; }

    /// <summary>What it happened to.</summary>
    public string? Subject { get; init; }

    /// <summary>Who asked: a key's name or <c>worker:name</c>.</summary>
    public string? Actor { get; init; }

    /// <summary>Details.</summary>
    public JsonElement? Data { get; init; }

    /// <summary>When it was committed.</summary>
    public required DateTimeOffset At { get; init; }
}
