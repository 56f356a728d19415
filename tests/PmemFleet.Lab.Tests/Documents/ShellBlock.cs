using System.Text.RegularExpressions;
using PmemFleet.Lab.Tests.Repository;

namespace PmemFleet.Lab.Tests.Documents;

/// <summary>A command as a document shows it, and the output that the document shows under it; null where it shows none.</summary>
internal sealed record ShownCommand(string Text, string? Output);

/// <summary>A fenced block of a document.</summary>
/// <param name="Document">The document's path below the repository.</param>
/// <param name="Line">The line of its first fence.</param>
/// <param name="Language">What the fence says; empty where it says nothing.</param>
/// <param name="Lines">What is between the fences.</param>
internal sealed partial record ShellBlock(string Document, int Line, string Language, IReadOnlyList<string> Lines)
{
    /// <summary>Fences that hold command lines. In a <c>console</c> block they begin with "$ ", and what they print is between them.</summary>
    private static readonly string[] Shells = ["sh", "bash", "console"];

    public bool IsShell => Shells.Contains(Language);

    /// <summary>A line that looks like a command of a user.</summary>
    public bool LooksLikeShell => Lines.Any(line => Command().IsMatch(line));

    /// <summary>All fenced blocks of README.md, of docs and of the pages beside the manifests.</summary>
    public static IReadOnlyList<ShellBlock> All() =>
    [
        .. Documents().SelectMany(Read),
    ];

    public static IEnumerable<string> Documents() =>
        new[] { "README.md" }
            .Concat(Below("docs")).Concat(Below("deploy"));

    /// <summary>The commands in order. A block that is no console has one: itself.</summary>
    public IReadOnlyList<ShownCommand> Commands()
    {
        if (Language != "console")
        {
            return [new ShownCommand(string.Join('\n', Lines), null)];
        }

        var commands = new List<ShownCommand>();
        for (var at = 0; at < Lines.Count;)
        {
            var text = new List<string> { Lines[at++][2..] };
            while (at < Lines.Count && Lines[at].StartsWith("  ", StringComparison.Ordinal))
            {
                text.Add(Lines[at++]);
            }

            var output = new List<string>();
            while (at < Lines.Count && !Lines[at].StartsWith("$ ", StringComparison.Ordinal))
            {
                output.Add(Lines[at++]);
            }

            commands.Add(new ShownCommand(string.Join('\n', text), output.Count == 0 ? null : string.Join('\n', output)));
        }

        return commands;
    }

    private static IEnumerable<string> Below(string folder) =>
        Directory.EnumerateFiles(Path.Combine(Checkout.Root, folder), "*.md", SearchOption.AllDirectories).Select(Checkout.Relative).Order(StringComparer.Ordinal);

    private static IEnumerable<ShellBlock> Read(string document)
    {
        var lines = Checkout.Text(document).Split('\n');
        for (var at = 0; at < lines.Length; at++)
        {
            if (lines[at].StartsWith("```", StringComparison.Ordinal))
            {
                var end = Array.FindIndex(lines, at + 1, line => line.StartsWith("```", StringComparison.Ordinal));
                yield return new ShellBlock(document, at + 1, lines[at][3..].Trim(), lines[(at + 1)..end]);
                at = end;
            }
        }
    }

    [GeneratedRegex(@"^(\$ |[A-Z_]+=\S* )?(dotnet|docker|kubectl|curl|qemu-system-\w+|git|npm|deploy/|tests/)\b")]
    private static partial Regex Command();
}
