using Microsoft.AspNetCore.Http.Metadata;

namespace PmemFleet.Api.Conventions;

/// <summary>
/// How many bytes an endpoint takes, where something reads the body before MVC does: routing has set the limit by then. (MVC's own attribute sets it once more, finds that
/// it is too late, and warns at each request.)
/// </summary>
/// <param name="bytes">The limit.</param>
[AttributeUsage(AttributeTargets.Method)]
public sealed class BodyLimitAttribute(long bytes) : Attribute, IRequestSizeLimitMetadata
{
    /// <inheritdoc/>
    public long? MaxRequestBodySize => bytes;
}
