using PmemFleet.Lab.Tests.Repository;
using YamlDotNet.RepresentationModel;

namespace PmemFleet.Lab.Tests.Kubernetes;

/// <summary>One object of a manifest.</summary>
/// <param name="File">Path below deploy/k8s.</param>
/// <param name="Kind">Such as <c>Deployment</c>.</param>
/// <param name="Name">Its name.</param>
/// <param name="Node">All of it.</param>
internal sealed record Manifest(string File, string Kind, string Name, YamlMappingNode Node)
{
    public YamlNode? At(params string[] path) => path.Aggregate((YamlNode?)Node, (node, key) => node is YamlMappingNode map ? Manifests.Child(map, key) : null);

    public YamlMappingNode Pod => (YamlMappingNode)At("spec", "template", "spec")!;

    public YamlMappingNode Container => (YamlMappingNode)Manifests.List(Pod, "containers").Single();
}

/// <summary>What deploy/k8s holds.</summary>
internal static class Manifests
{
    public const string Folder = "deploy/k8s";

    /// <summary>The objects of the base.</summary>
    public static IReadOnlyList<Manifest> Base { get; } = [.. Files().Where(file => file.StartsWith("base/", StringComparison.Ordinal)).SelectMany(Objects)];

    /// <summary>Every YAML file below deploy/k8s, kustomizations too.</summary>
    public static IEnumerable<string> Files()
    {
        var root = Path.Combine(Checkout.Root, Folder);
        return Directory.EnumerateFiles(root, "*.yaml", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(root, path)).Order(StringComparer.Ordinal);
    }

    public static IEnumerable<Manifest> Objects(string file) => Documents(file).Select(document => (YamlMappingNode)document.RootNode).Where(node => Text(node, "kind") != "Kustomization")
        .Select(node => new Manifest(file, Text(node, "kind")!, Text((YamlMappingNode)Child(node, "metadata")!, "name")!, node));

    public static IEnumerable<YamlDocument> Documents(string file)
    {
        using var text = new StringReader(Checkout.Text(Path.Combine(Folder, file)));
        var yaml = new YamlStream();
        yaml.Load(text);
        return yaml.Documents;
    }

    public static Manifest One(string kind, string name) => Base.Single(manifest => (manifest.Kind, manifest.Name) == (kind, name));

    public static YamlNode? Child(YamlMappingNode node, string key) => node.Children.TryGetValue(new YamlScalarNode(key), out var value) ? value : null;

    public static string? Text(YamlMappingNode node, string key) => (Child(node, key) as YamlScalarNode)?.Value;

    public static IEnumerable<YamlNode> List(YamlMappingNode node, string key) => Child(node, key) as YamlSequenceNode ?? [];

    public static Dictionary<string, string> Pairs(YamlNode? node) => node is YamlMappingNode map
        ? map.Children.ToDictionary(pair => ((YamlScalarNode)pair.Key).Value!, pair => (pair.Value as YamlScalarNode)?.Value ?? string.Empty, StringComparer.Ordinal)
        : [];

    /// <summary>The environment of a workload's container, as the kubelet makes it.</summary>
    public static Dictionary<string, string> Environment(Manifest workload)
    {
        var result = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var source in List(workload.Container, "envFrom").Cast<YamlMappingNode>())
        {
            foreach (var (key, value) in Pairs(One("ConfigMap", Text((YamlMappingNode)Child(source, "configMapRef")!, "name")!).At("data")))
            {
                result[key] = value;
            }
        }

        foreach (var variable in List(workload.Container, "env").Cast<YamlMappingNode>())
        {
            var value = Text(variable, "value") ?? workload.Name + "-0";
            result[Text(variable, "name")!] = result.Aggregate(value, (text, known) => text.Replace($"$({known.Key})", known.Value, StringComparison.Ordinal));
        }

        return result;
    }
}
