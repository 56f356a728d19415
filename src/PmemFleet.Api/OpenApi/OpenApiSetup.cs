using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace PmemFleet.Api.OpenApi;

/// <summary>The API's description at <c>/openapi/v1.json</c>, and Swagger UI over it at <c>/swagger</c>. Both are open to everyone.</summary>
public static class OpenApiSetup
{
    public const string DocumentName = "v1";

    /// <summary>Between the service's own processes, with credentials of their own; it changes with them.</summary>
    private static readonly IReadOnlyCollection<string> WorkerProtocol =
        ["v1/workers/join", "v1/workers/{worker}/sync", "v1/workers/{worker}/conditions", "v1/workers/{worker}/hosts/{host}/media"];

    public static IServiceCollection AddFleetDescription(this IServiceCollection services) => services.AddOpenApi(DocumentName, options =>
    {
        options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
        options.ShouldInclude = description => description.RelativePath is { } path && path.StartsWith("v1/", StringComparison.Ordinal)
            && !WorkerProtocol.Contains(path);
        options.AddSchemaTransformer<WireSchemas>();
        options.AddOperationTransformer<OperationDescriptions>();
        options.AddOperationTransformer<ParameterDescriptions>();
        options.AddDocumentTransformer<DocumentDescription>();
    });

    public static WebApplication MapFleetDescription(this WebApplication app)
    {
        app.MapOpenApi("/openapi/{documentName}.json").AllowAnonymous();
        return app;
    }

    /// <summary>Swagger UI at <c>/swagger</c>; in front of authorization, whose fallback policy also holds for what is no endpoint.</summary>
    public static WebApplication UseFleetSwagger(this WebApplication app)
    {
        // only where it is meant: it would be a part of every other request's way, too
        app.UseWhen(http => http.Request.Path.StartsWithSegments("/swagger", StringComparison.OrdinalIgnoreCase), page => page.UseSwaggerUI(ui =>
        {
            ui.RoutePrefix = "swagger";
            ui.DocumentTitle = "PmemFleet";
            ui.SwaggerEndpoint($"/openapi/{DocumentName}.json", "PmemFleet v1");
            ui.EnablePersistAuthorization();
            ui.EnableTryItOutByDefault();
            ui.DisplayRequestDuration();
            ui.EnableDeepLinking();
            ui.EnableFilter();
            ui.DefaultModelsExpandDepth(0);
        }));
        return app;
    }

    /// <summary>The document as it is committed in <c>openapi/pmemfleet.v1.json</c>: without the address of this server.</summary>
    public static async Task<string> DescribeAsync(WebApplication app, CancellationToken cancellationToken = default)
    {
        await using var scope = app.Services.CreateAsyncScope();
        var document = await scope.ServiceProvider.GetRequiredKeyedService<IOpenApiDocumentProvider>(DocumentName)
            .GetOpenApiDocumentAsync(cancellationToken);
        document.Servers?.Clear();
        using var text = new StringWriter { NewLine = "\n" };
        document.SerializeAsV31(new OpenApiJsonWriter(text));
        return text.ToString().ReplaceLineEndings("\n") + "\n";
    }
}
