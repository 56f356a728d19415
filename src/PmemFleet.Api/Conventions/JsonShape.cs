using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using PmemFleet.Contracts.Problems;

namespace PmemFleet.Api.Conventions;

/// <summary>
/// Finds all members of a document that its type does not have, or that stand in it twice, nulls in lists, and strings that are no
/// text, with their JSON pointers; the parser itself stops at the first one and names no place.
/// </summary>
public static class JsonShape
{
    private const int MaxErrors = 50;

    /// <summary>The complaints; empty where there are none. The document is well-formed JSON.</summary>
    public static List<ProblemErrorDto> Check(ReadOnlySpan<byte> document, Type type, JsonSerializerOptions options)
    {
        // most documents have nothing wrong, and need no pointers
        var errors = Check(document, type, options, null);
        return errors.Count == 0 ? errors : Check(document, type, options, string.Empty);
    }

    /// <param name="document">The document.</param>
    /// <param name="type">What it is to be.</param>
    /// <param name="options">How it is read.</param>
    /// <param name="root">The pointer of the whole; null where nobody wants pointers.</param>
    private static List<ProblemErrorDto> Check(ReadOnlySpan<byte> document, Type type, JsonSerializerOptions options, string? root)
    {
        var errors = new List<ProblemErrorDto>();
        var reader = new Utf8JsonReader(document, new JsonReaderOptions { MaxDepth = options.MaxDepth });
        reader.Read();
        Walk(ref reader, options.GetTypeInfo(type), options, root, errors);
        return errors;
    }

    /// <summary>From the parser's path (<c>$.dimms[0].capacity</c>) to a JSON pointer.</summary>
    public static string PointerOfPath(string? path)
    {
        var pointer = new System.Text.StringBuilder();
        for (var at = path is ['$', ..] ? 1 : 0; path is not null && at < path.Length;)
        {
            var quoted = path.AsSpan(at).StartsWith("['");
            var start = at + (quoted ? 2 : path[at] is '.' or '[' ? 1 : 0);
            var end = quoted ? path.IndexOf("']", start, StringComparison.Ordinal) : path.IndexOfAny(['.', '[', ']'], start);
            end = end < 0 ? path.Length : end;
            if (end > start)
            {
                pointer.Append('/').Append(Escape(path[start..end]));
            }

            at = quoted ? end + 2 : end < path.Length && path[end] == ']' ? end + 1 : end;
        }

        return pointer.ToString();
    }

    public static string Escape(string name) => name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);

    private static void Walk(ref Utf8JsonReader reader, JsonTypeInfo? type, JsonSerializerOptions options, string? pointer, List<ProblemErrorDto> errors)
    {
        if (reader.TokenType == JsonTokenType.StartArray)
        {
            var element = type?.Kind == JsonTypeInfoKind.Enumerable && type.ElementType is { } elementType ? options.GetTypeInfo(elementType) : null;
            for (var index = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; index++)
            {
                var item = pointer is null ? null : $"{pointer}/{index}";
                RefuseNull(ref reader, element, item, errors);
                Walk(ref reader, element, options, item, errors);
            }
        }
        else if (reader.TokenType == JsonTokenType.StartObject)
        {
            WalkObject(ref reader, type, options, pointer, errors);
        }
        else if (reader is { TokenType: JsonTokenType.String, ValueIsEscaped: true } && !IsText(ref reader))
        {
            Complain(errors, pointer, "is no text: it has U+0000 or half of a surrogate pair");
        }
        else if (reader.TokenType == JsonTokenType.Number && reader.TryGetDouble(out var number) && !double.IsFinite(number))
        {
            // it would be read as infinite, and could not be written again
            Complain(errors, pointer, "is larger than any number here can be");
        }
    }

    private static void WalkObject(
        ref Utf8JsonReader reader, JsonTypeInfo? type, JsonSerializerOptions options, string? pointer, List<ProblemErrorDto> errors)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            if (name.Contains('\0', StringComparison.Ordinal))
            {
                Complain(errors, pointer, "has a member whose name is no text: it has U+0000");
                name = name.Replace("\0", "U+0000", StringComparison.Ordinal);
            }

            var member = pointer is null ? null : $"{pointer}/{Escape(name)}";
            if (!seen.Add(name))
            {
                Complain(errors, member, $"The member '{name}' stands here twice.");
            }

            JsonTypeInfo? next = null;
            var isItem = false;
            if (type is { Kind: JsonTypeInfoKind.Object })
            {
                if (PropertyOf(type, name) is { } property)
                {
                    next = options.GetTypeInfo(property.PropertyType);
                }
                else if (type.PolymorphismOptions is null)
                {
                    Complain(errors, member, $"There is no member '{name}' here. Known: {string.Join(", ", type.Properties.Select(candidate => candidate.Name))}.");
                }
            }
            else if (type is { Kind: JsonTypeInfoKind.Dictionary, ElementType: { } valueType })
            {
                next = options.GetTypeInfo(valueType);
                isItem = true;
            }

            reader.Read();
            RefuseNull(ref reader, isItem ? next : null, member, errors);
            Walk(ref reader, next, options, member, errors);
        }
    }

    private static JsonPropertyInfo? PropertyOf(JsonTypeInfo type, string name)
    {
        var properties = type.Properties;
        for (var place = 0; place < properties.Count; place++)
        {
            if (properties[place].Name == name)
            {
                return properties[place];
            }
        }

        return null;
    }

    /// <summary>Only an escape can hide what is no text: the document's bytes are UTF-8 without control characters.</summary>
    private static bool IsText(ref Utf8JsonReader reader)
    {
        try
        {
            return !reader.GetString()!.Contains('\0', StringComparison.Ordinal);
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>Lists and maps hold things: null is none. (The parser would let it pass.)</summary>
    private static void RefuseNull(ref Utf8JsonReader reader, JsonTypeInfo? itemType, string? pointer, List<ProblemErrorDto> errors)
    {
        if (reader.TokenType == JsonTokenType.Null && itemType is not null && Nullable.GetUnderlyingType(itemType.Type) is null)
        {
            Complain(errors, pointer, "must not be null");
        }
    }

    private static void Complain(List<ProblemErrorDto> errors, string? pointer, string detail)
    {
        if (errors.Count < MaxErrors)
        {
            errors.Add(new ProblemErrorDto { Pointer = pointer ?? string.Empty, Detail = detail });
        }
    }
}
