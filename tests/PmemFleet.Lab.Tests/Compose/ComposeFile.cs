using PmemFleet.Lab.Tests.Repository;
using YamlDotNet.RepresentationModel;

namespace PmemFleet.Lab.Tests.Compose;

/// <summary>The compose file as compose sees it: merge keys resolved.</summary>
internal static class ComposeFile
{
    public static IReadOnlyDictionary<string, YamlMappingNode> Services { get; } = Read();

    public static YamlNode? Find(YamlMappingNode node, string key) => node.Children.TryGetValue(new YamlScalarNode(key), out var value) ? value : null;

    public static string? Scalar(YamlMappingNode node, string key) => (Find(node, key) as YamlScalarNode)?.Value;

    public static IReadOnlyList<string> List(YamlMappingNode node, string key) =>
        Find(node, key) is YamlSequenceNode list ? [.. list.OfType<YamlScalarNode>().Select(item => item.Value!)] : [];

    public static IReadOnlyDictionary<string, string> Environment(string service) =>
        Find(Services[service], "environment") is YamlMappingNode map ? Pairs(map).ToDictionary(pair => pair.Key, pair => ((YamlScalarNode)pair.Value).Value!, StringComparer.Ordinal) : new Dictionary<string, string>();

    public static IEnumerable<KeyValuePair<string, YamlNode>> Pairs(YamlMappingNode node) =>
        node.Children.Select(pair => KeyValuePair.Create(((YamlScalarNode)pair.Key).Value!, pair.Value));

    private static Dictionary<string, YamlMappingNode> Read()
    {
        using var text = new StringReader(Checkout.Text("docker-compose.yml"));
        var yaml = new YamlStream();
        yaml.Load(text);
        var services = (YamlMappingNode)Find((YamlMappingNode)yaml.Documents[0].RootNode, "services")!;
        return Pairs(services).ToDictionary(pair => pair.Key, pair => (YamlMappingNode)Merged(pair.Value), StringComparer.Ordinal);
    }

    /// <summary>YAML's merge key: what a mapping says itself is stronger.</summary>
    private static YamlNode Merged(YamlNode node)
    {
        if (node is not YamlMappingNode mapping)
        {
            return node;
        }

        var result = Find(mapping, "<<") is YamlMappingNode inherited ? (YamlMappingNode)Merged(inherited) : [];
        foreach (var (key, value) in Pairs(mapping).Where(pair => pair.Key != "<<"))
        {
            result.Children[new YamlScalarNode(key)] = Merged(value);
        }

        return result;
    }
}
