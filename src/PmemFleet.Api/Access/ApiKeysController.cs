using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.OpenApi;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts.Access;
using PmemFleet.Contracts.Lists;

namespace PmemFleet.Api.Access;

/// <summary>Bearer keys.</summary>
[ApiController]
[Route("v1/api-keys")]
[Authorize(Roles.Admin)]
[Tags("Access")]
public sealed class ApiKeysController(FleetDbContext db) : ControllerBase
{
    /// <summary>Lists keys, oldest first, without their secrets.</summary>
    [HttpGet]
    [Answers<ListPage<ApiKeyDto>>(200, "One page of keys.")]
    public async Task<ListPage<ApiKeyDto>> List([FromQuery] ListQuery query, CancellationToken cancellationToken)
    {
        var after = query.AfterId();
        var rows = await db.ApiKeys.AsNoTracking().Where(key => after == null || key.Id > after).OrderBy(key => key.Id).Take(query.Limit + 1)
            .ToListAsync(cancellationToken);
        return query.ToPage([.. rows.Select(ApiKeyProjection.ToDto)], key => key.Id.ToString("N"), HttpContext);
    }

    /// <summary>One key, without its secret.</summary>
    [HttpGet("{id:guid}")]
    [Answers<ApiKeyDto>(200, "The key.")]
    [Refused(404, "There is no such key.")]
    public async Task<IActionResult> Get(Guid id, CancellationToken cancellationToken)
    {
        if (await db.ApiKeys.AsNoTracking().SingleOrDefaultAsync(key => key.Id == id, cancellationToken) is not { } row)
        {
            return ProblemResults.NotFound("api-key", id.ToString()).ToResult();
        }

        Response.Headers.ETag = Etag.Of(row.Id, row.Version);
        return Ok(ApiKeyProjection.ToDto(row));
    }

    /// <summary>Makes a key. The answer is the only place where the whole key is shown.</summary>
    [HttpPost]
    [RequestExample("For an automation that changes the fleet", """{"name":"ci","role":"operator"}""")]
    [Answers<ApiKeyDto>(201, "The key, with its secret.")]
    [Refused(422, "The name, the role or the expiry is not one a key can have.")]
    public Task<IActionResult> Create([FromBody] CreateApiKeyRequest request, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, context => Task.FromResult(ApiKeyWrites.Create(context, request)));

    /// <summary>Revokes a key at once. It stays listed.</summary>
    [HttpDelete("{id:guid}")]
    [AnswersNothing(204, "It is revoked.")]
    [Refused(404, "There is no such key.")]
    public async Task<IActionResult> Revoke(Guid id, [FromServices] FleetWrite write, [FromServices] ApiKeys keys)
    {
        var answer = await write.ExecuteAsync(this, context => ApiKeyWrites.RevokeAsync(context, id));

        // this replica before it answers, the others when they are told
        keys.Forget();
        return answer;
    }
}
