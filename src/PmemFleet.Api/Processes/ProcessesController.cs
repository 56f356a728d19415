using Microsoft.AspNetCore.Mvc;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.DataPlane;
using PmemFleet.Api.OpenApi;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Processes;

namespace PmemFleet.Api.Processes;

/// <summary>Simulated processes of a host. They live in the worker and end with a boot.</summary>
[ApiController]
[Route("v1/hosts/{host}/processes")]
[Tags("Processes")]
[DoneByWorker]
public sealed class ProcessesController(DataPlaneProxy worker) : ControllerBase
{
    /// <summary>Lists the host's processes by pid.</summary>
    [HttpGet]
    [Answers<ListPage<ProcessDto>>(200, "The processes since the host's last boot, the killed ones included.")]
    [Refused(404, "There is no such host.")]
    [Refused(409, "The host is powered off.")]
    public Task<IActionResult> List(string host) => worker.GetAsync<ListPage<ProcessDto>>(this, host, "processes");

    /// <summary>Starts a process.</summary>
    [HttpPost]
    [AcceptsDryRun]
    [RequestExample("A process named redis", """{"comm":"redis"}""")]
    [RequestExample("With a pid of its own choice", """{"comm":"redis","pid":1000}""")]
    [Answers<ProcessDto>(201, "The process runs.")]
    [Refused(404, "There is no such host.")]
    [Refused(409, "The pid is taken, or the host is powered off.")]
    [Refused(422, "The name or the pid is not one Linux would take.")]
    public Task<IActionResult> Create(string host, [FromBody] CreateProcessRequest request) =>
        worker.WriteAsync<ProcessDto>(this, host, HttpMethod.Post, "processes", request, process => $"/v1/hosts/{host}/processes/{process.Pid}");

    /// <summary>One process: its state, the signal that killed it, its faults and page tables.</summary>
    [HttpGet("{pid:int}")]
    [Answers<ProcessDto>(200, "The process.")]
    [Refused(404, "There is no such host or process.")]
    [Refused(409, "The host is powered off.")]
    public Task<IActionResult> Get(string host, int pid) => worker.GetAsync<ProcessDto>(this, host, $"processes/{pid}");

    /// <summary>Kills a process with SIGKILL and forgets it; its mappings go with it.</summary>
    [HttpDelete("{pid:int}")]
    [AcceptsDryRun]
    [AnswersNothing(204, "It is gone.")]
    [Refused(404, "There is no such host or process.")]
    [Refused(409, "The host is powered off.")]
    public Task<IActionResult> Delete(string host, int pid) => worker.DeleteAsync<ProcessDto>(this, host, $"processes/{pid}");

    /// <summary>Forks: the child has the parent's mappings, and takes its own faults on them.</summary>
    [HttpPost("{pid:int}/fork")]
    [AcceptsDryRun]
    [Answers<ProcessDto>(201, "The child.")]
    [Refused(404, "There is no such host or process.")]
    [Refused(409, "The host is powered off.")]
    [Refused(422, "The process was killed.")]
    public Task<IActionResult> Fork(string host, int pid) =>
        worker.WriteAsync<ProcessDto>(this, host, HttpMethod.Post, $"processes/{pid}/fork", null, child => $"/v1/hosts/{host}/processes/{child.Pid}");

    /// <summary>The process's page tables: bytes by level, VmPTE, present entries by size.</summary>
    [HttpGet("{pid:int}/page-tables")]
    [Answers<PageTablesDto>(200, "The page tables.")]
    [Refused(404, "There is no such host or process.")]
    [Refused(409, "The host is powered off.")]
    public Task<IActionResult> PageTables(string host, int pid) => worker.GetAsync<PageTablesDto>(this, host, $"processes/{pid}/page-tables");

    /// <summary><c>/proc/{pid}/smaps</c>, in the kernel's own text, or as JSON.</summary>
    /// <param name="host">The host.</param>
    /// <param name="pid">The process.</param>
    /// <param name="format"><c>text</c> (default) or <c>json</c>.</param>
    [HttpGet("{pid:int}/smaps")]
    [Answers<string>(200, "The text; with format json an object with the entries.", "text/plain")]
    [Refused(404, "There is no such host or process.")]
    [Refused(409, "The host is powered off.")]
    [Refused(422, "There is no such format.")]
    public Task<IActionResult> Smaps(string host, int pid, [FromQuery] string? format) => format switch
    {
        null or "text" => worker.GetTextAsync(this, host, $"processes/{pid}/smaps"),
        "json" => worker.GetAsync<SmapsDto>(this, host, $"processes/{pid}/smaps-entries"),
        _ => Task.FromResult(Refusals.Invalid("format-unknown", "#/query/format", $"There is no format '{format}'.", "text", "json").ToResult()),
    };

    /// <summary>A system call of the process beyond mmap: on its memory, on a descriptor, or a driver's get_user_pages.</summary>
    /// <remarks>Device-dax answers most calls on a descriptor with an errno: read, write and fsync are EINVAL, ioctl is ENOTTY, lseek stays at 0.</remarks>
    [HttpPost("{pid:int}/system-calls")]
    [AcceptsDryRun]
    [RequestExample("madvise(MADV_DONTNEED) of a whole mapping", """{"call":"madvise","mapping":1,"advice":"dontneed"}""")]
    [RequestExample("munmap inside a 2 MiB granule: EINVAL", """{"call":"munmap","mapping":1,"offset":"4K","length":"4K"}""")]
    [RequestExample("open, then read the descriptor: EINVAL", """{"call":"open","path":"/dev/dax0.0","flags":["rdwr"]}""")]
    [RequestExample("Pin two pages, as a driver does", """{"call":"pin","mapping":1,"length":"8K"}""")]
    [Answers<SystemCallDto>(200, "What it returned.")]
    [Refused(404, "There is no such host, process, mapping or pin.")]
    [Refused(409, "The host is powered off, or the call gave EBUSY, EEXIST or EIO.")]
    [Refused(422, "The call failed: `errno` says how, `code` and `numbers` why.")]
    public Task<IActionResult> Call(string host, int pid, [FromBody] CreateSystemCallRequest request) =>
        worker.WriteAsync<SystemCallDto>(this, host, HttpMethod.Post, $"processes/{pid}/system-calls", request);
}
