using System.Net.Mime;
using Microsoft.AspNetCore.Mvc;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.OpenApi;
using PmemFleet.Contracts;
using PmemFleet.Contracts.MediaErrors;
using PmemFleet.Contracts.Namespaces;

namespace PmemFleet.Api.Namespaces;

/// <summary>A namespace's bytes, as its block device gives them, and its bad blocks.</summary>
[ApiController]
[Route("v1/hosts/{host}/namespaces/{namespace}")]
[Tags("Namespaces")]
public sealed class NamespaceDataController(NamespaceData data) : ControllerBase
{
    /// <summary>Reads from the block device (raw, sector, fsdax), or from a devdax namespace's data, at most 16 MiB a request.</summary>
    /// <param name="host"></param>
    /// <param name="namespace"></param>
    /// <param name="offset" example="0">First byte of the usable data.</param>
    /// <param name="length" example="4096">Bytes.</param>
    /// <param name="cancellationToken"></param>
    [HttpGet("data")]
    [Answers<byte[]>(200, "The bytes.", MediaTypeNames.Application.Octet)]
    [Refused(404, "There is no such host or namespace.")]
    [Refused(409, "A bad block is in the range (EIO), the namespace is disabled, or the host is powered off.")]
    [Refused(422, "The range is not in the namespace, not of whole sectors, or too long.")]
    public Task<IActionResult> Read(
        string host, string @namespace, [FromQuery] ByteSize? offset, [FromQuery] ByteSize? length, CancellationToken cancellationToken) =>
        data.ReadAsync(this, host, @namespace, offset, length, cancellationToken);

    /// <summary>Writes to the block device, at most 16 MiB a request. Acknowledged is on disk; bad blocks under the write are cleared first.</summary>
    /// <param name="host"></param>
    /// <param name="namespace"></param>
    /// <param name="offset" example="0">First byte of the usable data.</param>
    [HttpPut("data")]
    [AcceptsDryRun]
    [Consumes(MediaTypeNames.Application.Octet)]
    [Answers<DataWrittenDto>(200, "The bytes are on disk.")]
    [Refused(404, "There is no such host or namespace.")]
    [Refused(409, "A bad block could not be cleared (EIO), the namespace is disabled, or the host is powered off.")]
    [Refused(422, "The range is not in the namespace, not of whole sectors, or too long.")]
    public Task<IActionResult> Write(string host, string @namespace, [FromQuery] ByteSize? offset) =>
        data.WriteAsync(this, host, @namespace, offset);

    /// <summary>The namespace's bad 512-byte sectors, from its first usable byte.</summary>
    [HttpGet("badblocks")]
    [Answers<IReadOnlyList<BadblockDto>>(200, "The bad sectors, as sysfs lists them.")]
    [Refused(404, "There is no such host or namespace.")]
    public Task<IActionResult> Badblocks(string host, string @namespace, CancellationToken cancellationToken) =>
        data.BadblocksAsync(this, host, @namespace, cancellationToken);
}
