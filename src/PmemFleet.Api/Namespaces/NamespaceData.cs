using System.Globalization;
using System.Net.Mime;
using Microsoft.AspNetCore.Mvc;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.DataPlane;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Problems;

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

        if (await NamespaceLook.FindAsync(db, host, name, cancellationToken) is not { } first)
        {
            return ProblemResults.NotFound("namespace", name).ToResult();
        }

        var query = string.Create(CultureInfo.InvariantCulture, $"data?offset={offset?.Value ?? 0}&length={bytes}");
        var (answer, look) = await SendAsync(
            host,
            name,
            first,
            (target, seen) => worker.Client.DownloadAsync(target, $"namespaces/{name}/{query}{seen.Identity}", cancellationToken),
            _ => null,
            repeatable: true,
            cancellationToken);
        await worker.ApplyAsync(answer.Observations);
        return answer.Value is { } data ? new BytesResult(data, TagOf(look)) : RefusalOf(answer, look, host);
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

        if (await NamespaceLook.FindAsync(db, host, name, http.RequestAborted) is not { } first)
        {
            return ProblemResults.NotFound("namespace", name).ToResult();
        }

        if (CheckWrite(first) is { } refused)
        {
            return refused.ToResult();
        }

        var query = string.Create(CultureInfo.InvariantCulture, $"data?offset={offset?.Value ?? 0}");
        var kept = length <= MostKeptBytes ? await KeepAsync(http.Request.Body, (int)length, http.RequestAborted) : null;
        var (answer, look) = await SendAsync(
            host,
            name,
            first,
            (target, seen) => worker.Client.UploadAsync<DataWrittenDto>(
                target,
                DataPlaneProxy.PathOf(http, $"namespaces/{name}/{query}{seen.Identity}"),
                kept is null ? http.Request.Body : new MemoryStream(kept),
                length,
                WriteTimeout,
                http.RequestAborted),
            CheckWrite,
            repeatable: kept is not null,
            http.RequestAborted);
        await worker.ApplyAsync(answer.Observations);
        if (answer.Value is not { } written)
        {
            return RefusalOf(answer, look, host);
        }

        return await worker.AnswerAsync(http, host, new WriteAnswer(StatusCodes.Status200OK, FleetJson.ToUtf8(written), null, TagOf(look)));

        // a region's read_only acts at once, also on namespaces that are enabled (golden y_defaults)
        RefusalDto? CheckWrite(NamespaceLook seen) => Etag.Check(http.Request, TagOf(seen)) ?? (seen.RegionReadOnly
            ? new RefusalDto { Errno = "EPERM", Code = ProblemResults.ReadOnlyDeviceCode, Message = $"{name}: the region is read-only: Operation not permitted" }
            : null);
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

    /// <summary>
    /// Sends what was looked at along, so that the worker takes neither another namespace for it nor the same one in another mode. Where the worker has
    /// something else, the namespace is looked at again, and asked for as it is then.
    /// </summary>
    private async Task<(WorkerAnswer<T> Answer, NamespaceLook Look)> SendAsync<T>(
        string host,
        string name,
        NamespaceLook first,
        Func<WorkerTarget, NamespaceLook, Task<WorkerAnswer<T>>> send,
        Func<NamespaceLook, RefusalDto?> check,
        bool repeatable,
        CancellationToken cancellationToken)
        where T : class
    {
        var (look, isFirst) = (first, true);
        var answer = await worker.SendAsync(
            host,
            async target =>
            {
                if (!isFirst)
                {
                    if (await NamespaceLook.FindAsync(db, host, name, cancellationToken) is not { } again)
                    {
                        return new WorkerAnswer<T> { Refusal = ProblemResults.NotFound("namespace", name) };
                    }

                    look = again;
                    if (check(look) is { } refusal)
                    {
                        return new WorkerAnswer<T> { Refusal = refusal };
                    }
                }

                isFirst = false;
                return look.IsBeingBound
                    ? new WorkerAnswer<T> { Refusal = WorkerRefusals.HostNotReady(host, $"{name} is being bound") }
                    : await send(target, look);
            },
            repeatable,
            cancellationToken);
        return (answer, look);
    }

    private static string TagOf(NamespaceLook look) => Etag.Of(look.Row.Id, look.Row.Version);

    /// <summary>A host that has just booted has namespaces that are enabled and not bound yet: that passes, and is no rule's refusal.</summary>
    private static IActionResult RefusalOf<T>(WorkerAnswer<T> answer, NamespaceLook look, string host)
        where T : class =>
        answer.Refusal is { Code: "not-bound" } && look.Row.State != NamespaceRow.Disabled
            ? WorkerRefusals.HostNotReady(host, "its namespaces are being bound").ToResult()
            : DataPlaneProxy.RefusalOf(answer);

    private static RefusalDto TooLong(string subject, long bytes) =>
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
