using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Access;
using PmemFleet.Contracts.Problems;

namespace PmemFleet.Api.Access;

/// <summary>The only way from a key's row to the wire.</summary>
public static class ApiKeyProjection
{
    public static ApiKeyDto ToDto(ApiKeyRow row) => new()
    {
        Id = row.Id,
        Name = row.Name,
        Role = row.Role,
        Prefix = row.Prefix,
        CreatedAt = row.CreatedAt,
        ExpiresAt = row.ExpiresAt,
        RevokedAt = row.RevokedAt,
    };
}

/// <summary>Makes and revokes keys.</summary>
public static class ApiKeyWrites
{
    public static WriteOutcome Create(FleetWriteContext context, CreateApiKeyRequest request)
    {
        if (request.Name!.Length is < 1 or > 100)
        {
            return Invalid("name-length", "name", "A key's name has 1 to 100 characters.", []);
        }

        if (!Roles.OfKeys.Contains(request.Role!))
        {
            return Invalid("role-unknown", "role", $"There is no role '{request.Role}'.", Roles.OfKeys);
        }

        if (request.ExpiresAt is { } end && end <= context.Now)
        {
            return Invalid("expiry-past", "expiresAt", "The key would have expired already.", []);
        }

        var secret = ApiKeySecret.Create();
        var row = new ApiKeyRow
        {
            Id = context.NewId(),
            Name = request.Name,
            Role = request.Role!,
            Prefix = ApiKeySecret.PrefixOf(secret),
            Hash = ApiKeySecret.Hash(secret),
            CreatedAt = context.Now,
            ExpiresAt = request.ExpiresAt?.ToUniversalTime(),
        };
        context.Db.ApiKeys.Add(row);
        context.Event("api-key.created", subject: row.Name, data: FleetWriteContext.ToJson(ApiKeyProjection.ToDto(row)));
        context.Db.WakeAfterCommit(WakeUps.ApiKeys);
        return new WriteOutcome.Created(ApiKeyProjection.ToDto(row) with { Key = secret }, $"/v1/api-keys/{row.Id}", Etag.Of(row.Id, row.Version))
        {
            ReplayedBody = ApiKeyProjection.ToDto(row),
        };
    }

    public static async Task<WriteOutcome> RevokeAsync(FleetWriteContext context, Guid id)
    {
        var row = await context.Db.ApiKeys.FromSql($"SELECT * FROM api_keys WHERE id = {id} FOR UPDATE").SingleOrDefaultAsync(context.Cancelled);
        if (row is null)
        {
            return WriteOutcome.NotFound("api-key", id.ToString());
        }

        if (context.CheckIfMatch(Etag.Of(row.Id, row.Version)) is { } stale)
        {
            return stale;
        }

        if (row.RevokedAt is null)
        {
            row.RevokedAt = context.Now;
            row.Version++;
            context.Event("api-key.revoked", subject: row.Name, data: FleetWriteContext.ToJson(ApiKeyProjection.ToDto(row)));
            context.Db.WakeAfterCommit(WakeUps.ApiKeys);
        }

        return new WriteOutcome.NoContent(Etag.Of(row.Id, row.Version));
    }

    private static RefusalDto Invalid(string code, string subject, string message, IReadOnlyList<string> allowed) =>
        new() { Errno = "EINVAL", Code = code, Message = message, Subject = subject, Allowed = allowed };
}
