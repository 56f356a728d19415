namespace PmemFleet.Api.Conventions;

/// <summary>Query parameters that every endpoint of a kind has.</summary>
public static class QueryConventions
{
    public const string DryRun = "dryRun";

    /// <summary>Its value is true or false; anything else was refused before.</summary>
    public static bool IsDryRun(HttpRequest request) => bool.TryParse(request.Query[DryRun], out var dryRun) && dryRun;
}
