using Microsoft.AspNetCore.Mvc;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.OpenApi;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts.Health;
using PmemFleet.Contracts.Operations;
using PmemFleet.Contracts.Problems;

namespace PmemFleet.Api.Health;

/// <summary>Health, security and firmware of DIMMs.</summary>
[ApiController]
[Route("v1/hosts/{host}/dimms/{dimm}")]
[Tags("Health")]
public sealed class HealthController(FleetDbContext db) : ControllerBase
{
    private static readonly RefusalDto NotSeen = new() { Errno = "EAGAIN", Code = "health-unknown", Message = "No worker has reported the DIMM's health yet." };

    /// <summary>A DIMM's SMART values, thresholds and alarms, its firmware and its security; and as <c>ndctl list -DH</c> prints it.</summary>
    [HttpGet("health")]
    [Answers<DimmHealthPageDto>(200, "The health.")]
    [Refused(404, "There is no such host or DIMM.")]
    [Refused(503, "No worker has reported it yet.")]
    public async Task<IActionResult> Get(string host, string dimm, CancellationToken cancellationToken)
    {
        var (row, page) = await HealthProjection.FindAsync(db, host, dimm, cancellationToken);
        return row is not null && page is null ? NotSeen.ToResult() : this.Found(page, "dimm", dimm);
    }

    /// <summary><c>ndctl inject-smart</c>: values, thresholds and alarms; and how clear-error commands behave.</summary>
    [HttpPost("health/inject")]
    [HonoursIfMatch]
    [RequestExample("Too hot", """{"mediaTemperature":90}""")]
    [RequestExample("Few spares, and an alarm for them", """{"spares":4,"sparesThreshold":5,"sparesAlarm":"on"}""")]
    [RequestExample("Everything back", """{"uninjectAll":true}""")]
    [Answers<DimmHealthPageDto>(200, "The health after it.")]
    [Answers<OperationDto>(202, "The worker is at it; see the operation.")]
    [Refused(404, "There is no such host or DIMM.")]
    [Refused(422, "A value with its own uninject, an alarm that is neither on nor off, or a value that no DIMM has.")]
    public Task<IActionResult> Inject(string host, string dimm, [FromBody] InjectSmartRequest request, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, host, aggregate => HealthCommands.Inject(aggregate, dimm, request));

    /// <summary>A write to the DIMM's <c>security</c> attribute. Erase and overwrite destroy the data.</summary>
    [HttpPost("security")]
    [HonoursIfMatch]
    [RequestExample("A first passphrase", """{"command":"update 0 1001"}""")]
    [RequestExample("No change until the next power cycle", """{"command":"freeze"}""")]
    [Answers<DimmHealthPageDto>(200, "The DIMM after it.")]
    [Answers<OperationDto>(202, "The worker is at it; see the operation.")]
    [Refused(404, "There is no such host or DIMM.")]
    [Refused(409, "The DIMM is active, or its state does not allow it.")]
    [Refused(422, "The key is another, or there is no such command.")]
    public Task<IActionResult> Secure(string host, string dimm, [FromBody] DimmSecurityRequest request, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, host, aggregate => HealthCommands.Secure(aggregate, dimm, request));

    /// <summary>Brings new firmware, arms its activation, or activates it: <c>ndctl update-firmware</c> and <c>activate-firmware</c>.</summary>
    [HttpPost("firmware")]
    [HonoursIfMatch]
    [RequestExample("Bring and arm: the next power cycle runs it", """{"version":"1.2.0.5446"}""")]
    [RequestExample("Activate without a power cycle", """{"activate":true}""")]
    [Answers<DimmHealthPageDto>(200, "The DIMM after it.")]
    [Answers<OperationDto>(202, "The worker is at it; see the operation.")]
    [Refused(404, "There is no such host or DIMM.")]
    [Refused(409, "A namespace over the DIMM is enabled.")]
    [Refused(422, "There is nothing to arm or to activate.")]
    public Task<IActionResult> Update(string host, string dimm, [FromBody] DimmFirmwareRequest request, [FromServices] FleetWrite write) =>
        write.ExecuteAsync(this, host, aggregate => HealthCommands.Update(aggregate, dimm, request));
}
