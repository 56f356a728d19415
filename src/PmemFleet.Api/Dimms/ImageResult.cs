using System.Net.Mime;
using Microsoft.AspNetCore.Mvc;

namespace PmemFleet.Api.Dimms;

/// <summary>Data as it comes from the worker, then the labels.</summary>
public sealed class ImageResult(HttpResponseMessage media, long capacity, byte[] labels, string etag) : ActionResult
{
    public override async Task ExecuteResultAsync(ActionContext context)
    {
        using (media)
        {
            var http = context.HttpContext;
            http.Response.ContentType = MediaTypeNames.Application.Octet;
            http.Response.ContentLength = capacity + labels.Length;
            http.Response.Headers.ETag = etag;
            try
            {
                await media.Content.CopyToAsync(http.Response.Body, http.RequestAborted);
            }
            catch (Exception cut) when (cut is IOException or HttpRequestException)
            {
                // the worker died, or the caller has gone: a file that is too short says so
                http.Abort();
                return;
            }

            await http.Response.Body.WriteAsync(labels, http.RequestAborted);
        }
    }
}
