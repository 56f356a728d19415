using System.Globalization;
using System.Net.Mime;
using Microsoft.AspNetCore.Mvc;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.DataPlane;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Namespaces;

namespace PmemFleet.Api.Namespaces;

/// <summary>A namespace's bytes, from and to the worker.</summary>
public sealed class NamespaceData(FleetDbContext db, DataPlaneProxy worker)
{
    /// <summary>Bytes that one request moves.</summary>
    public const long MostBytes = 16 << 20;

    private const long DefaultBytes = 4096;

    /// <summary>A body up to here is kept, and sent again where the host moves to another worker meanwhile.</summary>
    private const long MostKeptBytes = 1 << 20;

    private static readonly TimeSpan WriteTimeout = TimeSpan.FromSeconds(60);

    public async Task<IActionResult> ReadAsync(
        ControllerBase controller, string host, string name, ByteSize? offset, ByteSize? length, CancellationToken cancellationToken)
    {
        var bytes = length?.Value ?? DefaultBytes;
        if (bytes is < 1 or > MostBytes)
        {
            return TooLong("#/query/length", bytes).ToResult();
        }

        if (await FindAsync(host, name, cancellationToken) is not { } row)
        {
            return ProblemResults.NotFound("namespace", name).ToResult();
        }

        var path = string.Create(CultureInfo.InvariantCulture, $"namespaces/{name}/data?offset={offset?.Value ?? 0}&length={bytes}{IdentityOf(row)}");
        var answer = await worker.SendAsync(host, target => worker.Client.DownloadAsync(target, path, cancellationToken), repeatable: true, cancellationToken);
        await worker.ApplyAsync(answer.Observations);
        return answer.Value is { } data ? new BytesResult(data, Etag.Of(row.Id, row.Version)) : RefusalOf(answer, row, host);
    }

    public async Task<IActionResult> WriteAsync(ControllerBase controller, string host, string name, ByteSize? offset)
    {
        var http = controller.HttpContext;
        if (http.Request.ContentLength is not { } length)
        {
            return Refusals.Invalid("length-missing", "#/header/Content-Length", "Content-Length is required.").ToResult(StatusCodes.Status411LengthRequired);
        }

        if (length is < 1 or > MostBytes)
        {
            return TooLong("#/header/Content-Length", length).ToResult();
        }

        if (await FindAsync(host, name, http.RequestAborted) is not { } row)
        {
            return ProblemResults.NotFound("namespace", name).ToResult();
        }

        if (Etag.Check(http.Request, Etag.Of(row.Id, row.Version)) is { } stale)
        {
            return stale.ToResult();
        }

        var path = string.Create(CultureInfo.InvariantCulture, $"namespaces/{name}/data?offset={offset?.Value ?? 0}{IdentityOf(row)}");
        var kept = length <= MostKeptBytes ? await KeepAsync(http.Request.Body, (int)length, http.RequestAborted) : null;
        var answer = await worker.SendAsync(
            host,
            target => worker.Client.UploadAsync<DataWrittenDto>(
                target, DataPlaneProxy.PathOf(http, path), kept is null ? http.Request.Body : new MemoryStream(kept), length, WriteTimeout, http.RequestAborted),
            repeatable: kept is not null,
            http.RequestAborted);
        await worker.ApplyAsync(answer.Observations);
        if (answer.Value is not { } written)
        {
            return RefusalOf(answer, row, host);
        }

        return await worker.AnswerAsync(http, host, new WriteAnswer(StatusCodes.Status200OK, FleetJson.ToUtf8(written), null, Etag.Of(row.Id, row.Version)));
    }

    public async Task<IActionResult> BadblocksAsync(ControllerBase controller, string host, string name, CancellationToken cancellationToken) =>
        await NamespaceProjection.FindAsync(db, host, name, cancellationToken) is { } found
            ? controller.Ok(found.Value.Badblocks)
            : ProblemResults.NotFound("namespace", name).ToResult();

    private static async Task<byte[]> KeepAsync(Stream body, int length, CancellationToken cancellationToken)
    {
        var bytes = new byte[length];
        await body.ReadExactlyAsync(bytes, cancellationToken);
        return bytes;
    }

    private async Task<NamespaceRow?> FindAsync(string host, string name, CancellationToken cancellationToken) =>
        (await NamespaceProjection.FindRowAsync(db, host, name, cancellationToken)).Row;

    /// <summary>
    /// Names change with a boot, addresses do not; and a uuid is not used twice, where there are labels to keep it. The worker takes no other namespace for this one.
    /// </summary>
    private static string IdentityOf(NamespaceRow row) => string.Create(
        CultureInfo.InvariantCulture, $"{(row.Start is { } start ? $"&start={start}" : string.Empty)}{(row.Uuid is { } uuid ? $"&uuid={uuid:D}" : string.Empty)}");

    /// <summary>A host that has just booted has namespaces that are enabled and not bound yet: that passes, and is no rule's refusal.</summary>
    private static IActionResult RefusalOf<T>(WorkerAnswer<T> answer, NamespaceRow row, string host)
        where T : class =>
        answer.Refusal is { Code: "not-bound" } && row.State != NamespaceRow.Disabled
            ? WorkerRefusals.HostNotReady(host, "its namespaces are being bound").ToResult()
            : DataPlaneProxy.RefusalOf(answer);

    private static Contracts.Problems.RefusalDto TooLong(string subject, long bytes) =>
        Refusals.Invalid("length-out-of-bounds", subject, "A request moves 1 byte to 16 MiB.", "1", $"{MostBytes}").With("length", bytes);
}

/// <summary>Bytes as they come from the worker.</summary>
public sealed class BytesResult(HttpResponseMessage data, string etag) : ActionResult
{
    public override async Task ExecuteResultAsync(ActionContext context)
    {
        using (data)
        {
            var http = context.HttpContext;
            http.Response.ContentType = MediaTypeNames.Application.Octet;
            http.Response.ContentLength = data.Content.Headers.ContentLength;
            http.Response.Headers.ETag = etag;
            await data.Content.CopyToAsync(http.Response.Body, http.RequestAborted);
        }
    }
}
