using System.Xml.Linq;

namespace PmemFleet.Lab.Tests.Repository;

/// <summary>The repository that the tests run in, as files.</summary>
internal static class Checkout
{
    private static readonly string[] Generated = ["bin", "obj", "artifacts"];

    public static string Root { get; } = FindRoot();

    /// <summary>Every project's file, tests included.</summary>
    public static IEnumerable<string> Projects() => Files("src", "*.csproj").Concat(Files("tests", "*.csproj"));

    /// <summary>Every C# file that a person wrote.</summary>
    public static IEnumerable<string> Sources() =>
        Files("src", "*.cs").Concat(Files("tests", "*.cs")).Where(path => !Relative(path).Split('/').Contains("Migrations", StringComparer.Ordinal));

    public static string Relative(string path) => Path.GetRelativePath(Root, path).Replace('\\', '/');

    public static string Text(string relativePath) => File.ReadAllText(Path.Combine(Root, relativePath));

    /// <summary>The <c>Include</c> of each item of a kind, as a project's file says it.</summary>
    public static IEnumerable<string> Items(string project, string kind) =>
        XDocument.Load(project).Descendants(kind).Select(item => item.Attribute("Include")?.Value).OfType<string>();

    private static IEnumerable<string> Files(string folder, string pattern) =>
        Directory.EnumerateFiles(Path.Combine(Root, folder), pattern, SearchOption.AllDirectories)
            .Where(path => !Relative(path).Split('/').Intersect(Generated, StringComparer.Ordinal).Any());

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "PmemFleet.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException("the tests do not run inside the repository");
    }
}
