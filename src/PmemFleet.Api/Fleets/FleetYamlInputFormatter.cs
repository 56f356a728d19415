using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Mvc.Formatters;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts.Fleets;
using PmemFleet.Contracts.Problems;

namespace PmemFleet.Api.Fleets;

/// <summary>Reads a fleet document in YAML; from there on it is checked as JSON is.</summary>
public sealed class FleetYamlInputFormatter : InputFormatter
{
    public const string MediaType = "application/yaml";

    public FleetYamlInputFormatter() => SupportedMediaTypes.Add(MediaType);

    /// <inheritdoc/>
    public override Task<InputFormatterResult> ReadAsync(InputFormatterContext context) => ReadRequestBodyAsync(context);

    /// <inheritdoc/>
    public override async Task<InputFormatterResult> ReadRequestBodyAsync(InputFormatterContext context)
    {
        using var buffer = new MemoryStream();
        await context.HttpContext.Request.Body.CopyToAsync(buffer, context.HttpContext.RequestAborted);
        buffer.Position = 0;
        try
        {
            using var reader = new StreamReader(buffer, new UTF8Encoding(false, throwOnInvalidBytes: true));
            var document = FleetYaml.ToJson(reader, FleetJson.Options.MaxDepth);
            TakeVersionsAsTexts(document);
            return await InputFormatterResult.SuccessAsync(FleetJsonInputFormatter.Read(JsonSerializer.SerializeToUtf8Bytes(document, FleetJson.Options), context.ModelType));
        }
        catch (FleetYamlException refused)
        {
            throw Refused("yaml-malformed", $"{refused.Message} Line {refused.Line}.");
        }
        catch (DecoderFallbackException)
        {
            throw Refused("utf8-invalid", "The body is not UTF-8.");
        }
    }

    /// <inheritdoc/>
    protected override bool CanReadType(Type type) => type == typeof(FleetDocument);

    /// <summary>What everyone writes as <c>labelVersion: 1.2</c> is no number.</summary>
    private static void TakeVersionsAsTexts(JsonNode? document)
    {
        foreach (var dimm in Items(document, "hosts").SelectMany(host => Items(host, "dimms")).OfType<JsonObject>())
        {
            if (dimm["labelVersion"] is { } version && version.GetValueKind() == JsonValueKind.Number)
            {
                dimm["labelVersion"] = version.ToJsonString();
            }
        }
    }

    private static IEnumerable<JsonNode?> Items(JsonNode? node, string member) => (node as JsonObject)?[member] as JsonArray ?? [];

    private static RefusedBodyException Refused(string code, string detail) =>
        new(new FleetProblem(StatusCodes.Status400BadRequest, code, "EINVAL", detail) { Errors = [new ProblemErrorDto { Pointer = string.Empty, Detail = detail }] });
}
