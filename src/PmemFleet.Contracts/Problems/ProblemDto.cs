using System.Text.Json.Serialization;

namespace PmemFleet.Contracts.Problems;

/// <summary>RFC 9457 problem document: which rule refused, with which numbers, and what would be legal.</summary>
public sealed record ProblemDto
{
    /// <summary><c>urn:pmemfleet:problem:{code}</c>.</summary>
    public required string Type { get; init; }

    /// <summary>The rule in a few words.</summary>
    public required string Title { get; init; }

    /// <summary>The HTTP status.</summary>
    public required int Status { get; init; }

    /// <summary>One sentence with the numbers; Linux's or ndctl's own message where there is one.</summary>
    public string? Detail { get; init; }

    /// <summary>The request's path.</summary>
    public string? Instance { get; init; }

    /// <summary>Stable rule name, kebab-case.</summary>
    public required string Code { get; init; }

    /// <summary>The errno that Linux gives, by name, such as <c>EINVAL</c>.</summary>
    public required string Errno { get; init; }

    /// <summary>The numbers the rule compared.</summary>
    public IReadOnlyDictionary<string, string>? Numbers { get; init; }

    /// <summary>The nearest legal values.</summary>
    public IReadOnlyList<string>? Allowed { get; init; }

    /// <summary>One entry for each refused member.</summary>
    public IReadOnlyList<ProblemErrorDto>? Errors { get; init; }

    /// <summary>The trace to look for in the log.</summary>
    public string? TraceId { get; init; }
}

/// <summary>A refused member of the request.</summary>
public sealed record ProblemErrorDto
{
    /// <summary>JSON pointer (RFC 6901) into the body, or <c>#/query/name</c>, <c>#/header/name</c>.</summary>
    public required string Pointer { get; init; }

    /// <summary>What is wrong with it.</summary>
    public required string Detail { get; init; }
}

/// <summary>A refusal as it travels from a worker to the Api, and into a failed operation.</summary>
public sealed record RefusalDto
{
    /// <summary>Errno by name.</summary>
    public required string Errno { get; init; }

    /// <summary>Stable rule name.</summary>
    public required string Code { get; init; }

    /// <summary>One sentence for a person.</summary>
    public required string Message { get; init; }

    /// <summary>The numbers the rule compared.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, string>? Numbers { get; init; }

    /// <summary>The nearest legal values.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Allowed { get; init; }

    /// <summary>The refused member, if one was.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Subject { get; init; }
}
