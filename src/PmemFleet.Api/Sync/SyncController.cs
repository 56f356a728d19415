using System.Security.Claims;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using PmemFleet.Api.Access;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Sync;

/// <summary>The worker protocol.</summary>
[ApiController]
[Route("v1/workers/{worker}/sync")]
[Authorize(Roles.Worker)]
[Tags("Workers")]
public sealed class SyncController(WorkerSync sync) : ControllerBase
{
    internal static readonly RefusalDto Fenced = new() { Errno = "ESTALE", Code = "fenced", Message = "This process holds no lease any more: drop all hosts and join anew." };

    /// <summary>
    /// A worker's one open request: heartbeat, results and observations up; hosts, layouts and tasks down. <c>409 fenced</c>: the lease ended or another
    /// process has the name; the worker drops its hosts and joins anew, with a new instance id.
    /// </summary>
    /// <param name="worker">The worker's name or id, the one of the credential.</param>
    /// <param name="request">What it brings.</param>
    /// <param name="cancellationToken">The worker left.</param>
    [HttpPost]
    [BodyLimit(64 << 20)]
    [ProducesResponseType<SyncResponse>(StatusCodes.Status200OK)]
    [ProducesResponseType<ProblemDto>(StatusCodes.Status409Conflict, FleetProblem.MediaType)]
    public async Task<IActionResult> Sync([FromRoute] string worker, [FromBody] SyncRequest request, CancellationToken cancellationToken)
    {
        if (SyncRules.Check(request) is { } malformed)
        {
            return malformed.ToResult();
        }

        var identity = IdentityOf(User, worker);
        var response = request.InstanceId == identity.InstanceId ? await sync.RunAsync(identity, request, cancellationToken) : null;
        return response is not null
            ? Ok(response)
            : Fenced.ToResult();
    }

    internal static WorkerIdentity IdentityOf(ClaimsPrincipal user, string worker) =>
        new(Guid.Parse(user.FindFirstValue(Caller.WorkerIdClaim)!), Guid.Parse(user.FindFirstValue(Caller.InstanceIdClaim)!), worker);
}
