using Microsoft.AspNetCore.Mvc;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.DataPlane;
using PmemFleet.Api.OpenApi;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Processes;

namespace PmemFleet.Api.Processes;

/// <summary>A process's mmaps of dax devices, and its loads and stores through them.</summary>
[ApiController]
[Route("v1/hosts/{host}/processes/{pid:int}")]
[Tags("Processes")]
[DoneByWorker]
public sealed class MappingsController(DataPlaneProxy worker) : ControllerBase
{
    /// <summary>16 MiB of data in base64, and the rest of the request.</summary>
    private const long MostAccessBytes = 24 << 20;

    /// <summary>Lists the process's mappings by address.</summary>
    [HttpGet("mappings")]
    [Answers<ListPage<MappingDto>>(200, "The mappings.")]
    [Refused(404, "There is no such host or process.")]
    [Refused(409, "The host is powered off.")]
    public Task<IActionResult> List(string host, int pid) => worker.GetAsync<ListPage<MappingDto>>(this, host, $"processes/{pid}/mappings");

    /// <summary>mmap of a dax device, by the rules of device-dax.</summary>
    /// <remarks>Refusals name the rule as Linux logs it: a private mapping is EINVAL, <c>attempted private mapping</c>.</remarks>
    [HttpPost("mappings")]
    [AcceptsDryRun]
    [RequestExample("Shared, 64 MiB, as a program does it", """{"device":"dax0.0","length":"64M"}""")]
    [RequestExample("MAP_PRIVATE: refused with EINVAL", """{"device":"dax0.0","length":"2M","flags":["private"]}""")]
    [Answers<MappingDto>(201, "The mapping; nothing is present in the page tables yet.")]
    [Refused(404, "There is no such host, process or device.")]
    [Refused(409, "The host is powered off.")]
    [Refused(422, "A rule of mmap refuses; `code` names it, `numbers` and `allowed` say what would be legal.")]
    public Task<IActionResult> Create(string host, int pid, [FromBody] CreateMappingRequest request) =>
        worker.WriteAsync<MappingDto>(
            this, host, HttpMethod.Post, $"processes/{pid}/mappings", request, mapping => $"/v1/hosts/{host}/processes/{pid}/mappings/{mapping.Id}");

    /// <summary>One mapping.</summary>
    [HttpGet("mappings/{mapping:int}")]
    [Answers<MappingDto>(200, "The mapping.")]
    [Refused(404, "There is no such host, process or mapping.")]
    [Refused(409, "The host is powered off.")]
    public Task<IActionResult> Get(string host, int pid, int mapping) => worker.GetAsync<MappingDto>(this, host, $"processes/{pid}/mappings/{mapping}");

    /// <summary>mprotect of the whole mapping.</summary>
    [HttpPatch("mappings/{mapping:int}")]
    [AcceptsDryRun]
    [RequestExample("Read only", """{"protection":["read"]}""")]
    [Answers<MappingDto>(200, "The mapping with its new protection.")]
    [Refused(404, "There is no such host, process or mapping.")]
    [Refused(409, "The host is powered off.")]
    [Refused(422, "A rule of mprotect refuses.")]
    public Task<IActionResult> Protect(string host, int pid, int mapping, [FromBody] ProtectMappingRequest request) =>
        worker.WriteAsync<MappingDto>(this, host, HttpMethod.Patch, $"processes/{pid}/mappings/{mapping}", request);

    /// <summary>munmap of the whole mapping.</summary>
    [HttpDelete("mappings/{mapping:int}")]
    [AcceptsDryRun]
    [AnswersNothing(204, "It is unmapped.")]
    [Refused(404, "There is no such host, process or mapping.")]
    [Refused(409, "The host is powered off.")]
    public Task<IActionResult> Delete(string host, int pid, int mapping) =>
        worker.DeleteAsync<MappingDto>(this, host, $"processes/{pid}/mappings/{mapping}");

    /// <summary>Loads or stores over a range.</summary>
    /// <remarks>A signal is a result, not an error: the answer is 200 with <c>outcome</c> <c>signalled</c> and the siginfo.</remarks>
    [HttpPost("accesses")]
    [RequestSizeLimit(MostAccessBytes)]
    [AcceptsDryRun]
    [RequestExample("Touch 64 MiB, every 4 KiB, with a trace of the faults", """{"mapping":1,"kind":"read","length":"64M","stride":"4K","trace":true}""")]
    [RequestExample("Store five bytes", """{"mapping":1,"kind":"write","offset":0,"length":5,"data":"aGVsbG8="}""")]
    [RequestExample("Load them again", """{"mapping":1,"kind":"read","offset":0,"length":5,"returnData":true}""")]
    [Answers<AccessDto>(200, "What the accesses met: faults by size, page-table bytes by level, the signal if one ended them.")]
    [Refused(404, "There is no such host, process or mapping.")]
    [Refused(409, "The host is powered off.")]
    [Refused(422, "The process was killed, or the request asks for more than one request may.")]
    public Task<IActionResult> Access(string host, int pid, [FromBody] CreateAccessRequest request) =>
        worker.WriteAsync<AccessDto>(this, host, HttpMethod.Post, $"processes/{pid}/accesses", request);
}
