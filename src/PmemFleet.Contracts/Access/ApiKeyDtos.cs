using System.ComponentModel.DataAnnotations;

namespace PmemFleet.Contracts.Access;

/// <summary>A new bearer key.</summary>
public sealed record CreateApiKeyRequest
{
    /// <summary>Who or what it is for.</summary>
    /// <example>ci</example>
    [Required]
    public string? Name { get; init; }

    /// <summary><c>viewer</c>, <c>operator</c> or <c>admin</c>.</summary>
    /// <example>operator</example>
    [Required]
    public string? Role { get; init; }

    /// <summary>When it stops working; never by default.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }
}

/// <summary>A bearer key, without its secret.</summary>
public sealed record ApiKeyDto
{
    /// <summary>Id (UUIDv7).</summary>
    public required Guid Id { get; init; }

    /// <summary>Who or what it is for.</summary>
    public required string Name { get; init; }

    /// <summary>Role.</summary>
    public required string Role { get; init; }

    /// <summary>The key's first characters, to tell keys apart.</summary>
    public required string Prefix { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it stops working.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>When it was revoked.</summary>
    public DateTimeOffset? RevokedAt { get; init; }

    /// <summary>The whole key; only in the answer that makes it.</summary>
    public string? Key { get; init; }
}
