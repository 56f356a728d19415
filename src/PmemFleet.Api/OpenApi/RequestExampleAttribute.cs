namespace PmemFleet.Api.OpenApi;

/// <summary>A request body that works as it stands, in the order of the tour. The first one prefills Swagger UI.</summary>
/// <param name="summary">What it does.</param>
/// <param name="json">The body.</param>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class RequestExampleAttribute(string summary, string json) : Attribute
{
    public string Summary { get; } = summary;

    public string Json { get; } = json;
}
