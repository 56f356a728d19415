using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.Serialization;

namespace PmemFleet.Api.Fleets;

/// <summary>A document that is no YAML of the kind that stands for JSON.</summary>
public sealed class FleetYamlException(string message, long line) : Exception(message)
{
    /// <summary>1 and up.</summary>
    public long Line { get; } = line;
}

/// <summary>
/// Between YAML and JSON: one document of maps with text keys, lists and scalars of YAML 1.2's core schema. Anchors, aliases and tags are refused: a
/// few lines of them stand for gigabytes.
/// </summary>
public static partial class FleetYaml
{
    private const int MostNodes = 2_000_000;

    /// <exception cref="FleetYamlException">It is no such document.</exception>
    public static JsonNode? ToJson(TextReader yaml, int maxDepth)
    {
        try
        {
            var parser = new Parser(yaml);
            parser.Consume<StreamStart>();
            if (parser.Accept<StreamEnd>(out _))
            {
                return null;
            }

            parser.Consume<DocumentStart>();
            var nodes = 0;
            var root = Read(parser, maxDepth, ref nodes);
            parser.Consume<DocumentEnd>();
            return parser.Accept<StreamEnd>(out _) ? root : throw new FleetYamlException("There is more than one document.", parser.Current!.Start.Line);
        }
        // the parser itself throws this one where it meets what it has no state for, such as a second end of the document
        catch (Exception malformed) when (malformed is YamlException or InvalidOperationException)
        {
            throw new FleetYamlException("The body is not YAML.", (malformed as YamlException)?.Start.Line ?? 1);
        }
    }

    /// <summary>A JSON value as YAML, without a trailing line end.</summary>
    public static string Of(JsonNode node) => new SerializerBuilder().WithQuotingNecessaryStrings().Build().Serialize(Plain(node)!).TrimEnd('\n');

    private static JsonNode? Read(IParser parser, int depth, ref int nodes)
    {
        var at = parser.Current!.Start.Line;
        if (++nodes > MostNodes)
        {
            throw new FleetYamlException($"The document has more than {MostNodes} nodes.", at);
        }

        if (depth == 0)
        {
            throw new FleetYamlException("The document nests too deep.", at);
        }

        if (parser.Current is AnchorAlias or NodeEvent { Anchor.IsEmpty: false } || parser.Current is NodeEvent { Tag: { IsEmpty: false, IsNonSpecific: false } })
        {
            throw new FleetYamlException("Anchors, aliases and tags are not taken.", at);
        }

        if (parser.TryConsume<SequenceStart>(out _))
        {
            var list = new JsonArray();
            while (!parser.TryConsume<SequenceEnd>(out _))
            {
                list.Add(Read(parser, depth - 1, ref nodes));
            }

            return list;
        }

        if (parser.TryConsume<MappingStart>(out _))
        {
            var map = new JsonObject();
            while (!parser.TryConsume<MappingEnd>(out _))
            {
                if (!parser.TryConsume<Scalar>(out var key))
                {
                    throw new FleetYamlException("A key is a text.", parser.Current!.Start.Line);
                }

                if (map.ContainsKey(key.Value))
                {
                    throw new FleetYamlException($"The key '{key.Value}' stands here twice.", key.Start.Line);
                }

                map.Add(key.Value, Read(parser, depth - 1, ref nodes));
            }

            return map;
        }

        return Value(parser.Consume<Scalar>());
    }

    private static JsonValue? Value(Scalar scalar) => scalar switch
    {
        { Style: not ScalarStyle.Plain } => JsonValue.Create(scalar.Value),
        { Value: "" or "~" or "null" or "Null" or "NULL" } => null,
        { Value: "true" or "True" or "TRUE" } => JsonValue.Create(true),
        { Value: "false" or "False" or "FALSE" } => JsonValue.Create(false),
        { Value: var text } when long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && Integer().IsMatch(text) => JsonValue.Create(number),
        { Value: var text } when Real().IsMatch(text) && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) => JsonValue.Create(number),
        _ => JsonValue.Create(scalar.Value),
    };

    private static object? Plain(JsonNode? node) => node switch
    {
        null => null,
        JsonArray list => list.Select(Plain).ToList(),
        JsonObject map => map.ToDictionary(pair => pair.Key, pair => Plain(pair.Value)),
        _ => node.GetValueKind() switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            JsonValueKind.Number when node.AsValue().TryGetValue<long>(out var number) => number,
            JsonValueKind.Number => node.GetValue<double>(),
            _ => node.GetValue<string>(),
        },
    };

    [GeneratedRegex(@"^[-+]?(0|[1-9][0-9]*)\z")]
    private static partial Regex Integer();

    [GeneratedRegex(@"^[-+]?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?\z", RegexOptions.ExplicitCapture)]
    private static partial Regex Real();
}
