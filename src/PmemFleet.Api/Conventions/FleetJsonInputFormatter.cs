using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.AspNetCore.Mvc.Formatters;
using PmemFleet.Api.Idempotency;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts.Problems;

namespace PmemFleet.Api.Conventions;

/// <summary>A refused body. Thrown by the input formatter only, because MVC has no other way out of one; the exception handler answers it.</summary>
public sealed class RefusedBodyException(FleetProblem problem) : Exception(problem.Detail)
{
    public FleetProblem Problem { get; } = problem;
}

/// <summary>Reads JSON bodies: whole, strict, and with a pointer to each thing that is wrong.</summary>
public sealed class FleetJsonInputFormatter : InputFormatter
{
    public FleetJsonInputFormatter() => SupportedMediaTypes.Add("application/json");

    public override bool CanRead(InputFormatterContext context) =>
        base.CanRead(context)
        && (!context.HttpContext.Request.GetTypedHeaders().ContentType!.Charset.HasValue
            || context.HttpContext.Request.GetTypedHeaders().ContentType!.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase));

    /// <summary>The base would answer an empty body in its own words.</summary>
    public override Task<InputFormatterResult> ReadAsync(InputFormatterContext context) => ReadRequestBodyAsync(context);

    public override async Task<InputFormatterResult> ReadRequestBodyAsync(InputFormatterContext context)
    {
        var http = context.HttpContext;
        using var buffer = new MemoryStream();
        await http.Request.Body.CopyToAsync(buffer, http.RequestAborted);
        var body = buffer.GetBuffer().AsMemory(0, (int)buffer.Length);
        if (http.Request.Headers.ContainsKey("Idempotency-Key"))
        {
            http.Features.Set(new BodyDigest(SHA256.HashData(body.Span)));
        }

        if (body.Length == 0)
        {
            return context.TreatEmptyInputAsDefaultValue
                ? await InputFormatterResult.SuccessAsync(null)
                : throw Refused("body-empty", "The request needs a JSON body.", []);
        }

        return await InputFormatterResult.SuccessAsync(Read(body.Span, context.ModelType));
    }

    /// <summary>A document of a type; whatever is wrong with it is a <see cref="RefusedBodyException"/>.</summary>
    public static object Read(ReadOnlySpan<byte> body, Type type) => Parse(body, type)
        ?? throw Refused("body-null", "The body is null.", [new ProblemErrorDto { Pointer = string.Empty, Detail = "must not be null" }]);

    private static object? Parse(ReadOnlySpan<byte> body, Type type)
    {
        if (!Utf8.IsValid(body))
        {
            throw Refused("utf8-invalid", "The body is not UTF-8.", []);
        }

        try
        {
            RequireWellFormed(body);
            if (JsonShape.Check(body, type, FleetJson.Options) is { Count: > 0 } complaints)
            {
                throw Refused("members-invalid", complaints[0].Detail, complaints);
            }

            return JsonSerializer.Deserialize(body, type, FleetJson.Options);
        }
        catch (JsonException wrong)
        {
            var pointer = JsonShape.PointerOfPath(wrong.Path);
            throw Refused("value-invalid", $"The value at '{pointer}' is not of the type or in the range that it needs.", [
                new ProblemErrorDto { Pointer = pointer, Detail = DetailOf(wrong) },
            ]);
        }
        catch (InvalidOperationException lone) when (lone.InnerException is System.Text.DecoderFallbackException or null)
        {
            // an escaped lone surrogate is JSON, but no text
            throw Refused("utf8-invalid", "The body has a string that is no Unicode text.", []);
        }
    }

    private static void RequireWellFormed(ReadOnlySpan<byte> body)
    {
        var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = 1000 });
        var depth = 0;
        try
        {
            while (reader.Read())
            {
                depth = Math.Max(depth, reader.CurrentDepth);
            }
        }
        catch (JsonException malformed)
        {
            throw depth >= FleetJson.Options.MaxDepth
                ? TooDeep()
                : Refused("json-malformed", $"The body is not JSON: line {malformed.LineNumber + 1}, byte {malformed.BytePositionInLine}.", []);
        }

        if (depth >= FleetJson.Options.MaxDepth)
        {
            throw TooDeep();
        }
    }

    private static RefusedBodyException TooDeep() =>
        Refused("json-too-deep", $"The body nests deeper than {FleetJson.Options.MaxDepth} levels.", []);

    /// <summary>Our own converters say what they want; the parser's own words name internal types and are not shown.</summary>
    private static string DetailOf(JsonException wrong) =>
        wrong.InnerException is null && wrong.Message.StartsWith("A size is ", StringComparison.Ordinal)
            ? wrong.Message.Split(" Path:")[0]
            : "has the wrong type, is out of range, or is missing a member";

    private static RefusedBodyException Refused(string code, string detail, List<ProblemErrorDto> errors) =>
        new(new FleetProblem(StatusCodes.Status400BadRequest, code, "EINVAL", detail) { Errors = errors.Count == 0 ? null : errors });
}
