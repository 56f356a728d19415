namespace PmemFleet.Api.Hosting;

/// <summary>What a browser is told about every answer.</summary>
public static class SecurityHeaders
{
    /// <summary>Documents of the API load nothing and stand in no frame.</summary>
    private const string OfAnswers = "default-src 'none'; frame-ancestors 'none'";

    /// <summary>Swagger UI: its own scripts, and the styles that it writes into its page.</summary>
    private const string OfSwagger = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

    /// <summary>Where answers carry a secret, or tell who has one.</summary>
    private static readonly PathString[] Secret = ["/v1/api-keys", "/v1/workers"];

    /// <summary>At the start of the answer, whoever gives it: the exception handler clears what was set before.</summary>
    public static void Set(HttpContext http)
    {
        var headers = http.Response.Headers;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "no-referrer";
        headers.ContentSecurityPolicy = http.Request.Path.StartsWithSegments("/swagger") ? OfSwagger : OfAnswers;
        if (http.Request.IsHttps)
        {
            headers.StrictTransportSecurity = "max-age=31536000";
        }

        if (Secret.Any(path => http.Request.Path.StartsWithSegments(path)))
        {
            headers.CacheControl = "no-store";
        }
    }
}
