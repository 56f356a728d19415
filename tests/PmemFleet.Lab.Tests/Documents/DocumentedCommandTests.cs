using System.Text.RegularExpressions;
using PmemFleet.Lab.Tests.Repository;

namespace PmemFleet.Lab.Tests.Documents;

/// <summary>Every command line of the documents is run as it is written, against one lab; a short list says which are only read, and why.</summary>
public sealed partial class DocumentedCommandTests(DocumentedLab lab) : IClassFixture<DocumentedLab>
{
    private const string Refused = "urn:pmemfleet:problem:";

    /// <summary>How a line begins that is not run here, and why. The syntax of its block is checked.</summary>
    private static readonly (string Begin, string Why)[] OnlyRead =
    [
        (DocumentedLab.Start + " ", "it does not return: the lab of this test was started with this line"),
        ("dotnet test", "it runs this test"),
        ("PMEMFLEET_CHAOS_", "it runs the chaos tests, with a seed or for an hour"),
        ("tests/PmemFleet.Chaos.Tests/", "a pass takes hours"),
        ("docker compose", "it needs a container engine; ComposeEnvironmentTests read the file"),
        ("kubectl", "it needs a cluster; KubernetesTests read the manifests"),
        ("qemu-system-x86_64", "it needs the kernel and root file system of a guest; the oracle runs it"),
        ("-object", "arguments of the line above"),
        ("-device", "arguments of the line above"),
        ("PGHOST=", "it needs an installation; BackupTests of the chaos tests run the script"),
        ("deploy/scripts/restore.sh", "it needs an installation; BackupTests of the chaos tests run the script"),
        ("dotnet PmemFleet.Api.dll", "it needs an installation"),
    ];

    /// <summary>What the commands of a document print, in this order, and how many requests are refused.</summary>
    private static readonly Dictionary<string, (int Refusals, string[] Prints)> Expected = new()
    {
        ["README.md"] = (1,
        [
            // the demo; the tour, whose eighth line is refused; the scenarios
            "\"state\":\"ready\"", "\"mode\":\"devdax\"", "\"comm\":\"curl\"", "\"device\":\"dax0.0\"", "\"outcome\":\"completed\"", "\"errno\":\"EINVAL\"", "\"BUS_MCEERR_AR\"",
            "\"badblock_count\":1", "ok    ",
        ]),
        ["docs/media-errors.md"] = (2,
        [
            "\"state\":\"ready\"", "\"mode\":\"fsdax\"", "\"mode\":\"devdax\"", "\"pid\":100", "\"pid\":101", "\"BUS_MCEERR_AR\"", "\"BUS_MCEERR_AO\"", "\"errno\":\"EIO\"", "\"errno\":\"EIO\"",
            "\"mode\":\"raw\"", "\"mode\":\"fsdax\"", "\"state\":\"idle\"", "\"state\":\"",
        ]),
        ["docs/qemu.md"] = (0, ["\"namespaceType\":5", "\"sectorSize\":4096", "62.91 MiB (65.97 MB)", "\"differences\":[]"]),
        ["docs/fault-engine.md"] = (0, []),
    };

    public static TheoryData<string> DocumentsThatRun => [.. Expected.Keys];

    [Theory]
    [MemberData(nameof(DocumentsThatRun))]
    public async Task Commands_OfADocument_DoWhatItSays(string document)
    {
        var commands = Shells(document).SelectMany(block => block.Commands()).Where(command => IsRun(command.Text)).ToList();
        var script = string.Join('\n', commands.Select(command => $"{Without(command.Text)}\nprintf '\\036'"));
        var (exitCode, output) = await lab.RunAsync("trap 'echo \"FAILED with $?: $BASH_COMMAND\"' ERR\n" + script, document == "README.md" ? Checkout.Root : lab.Scratch);

        Assert.True(exitCode == 0 && !output.Contains("FAILED", StringComparison.Ordinal), output);
        var (refusals, prints) = Expected[document];
        Assert.True(refusals == Regex.Count(output, Refused), $"{refusals} refusals: {output}");
        var at = 0;
        foreach (var print in prints)
        {
            at = output.IndexOf(print, at, StringComparison.Ordinal);
            Assert.True(at >= 0, $"'{print}' comes in its turn: {output}");
            at += print.Length;
        }

        Assert.All(commands.Zip(output.Split('\u001e')), pair => Assert.Equal(pair.First.Output ?? pair.Second.Trim(), pair.Second.Trim()));
    }

    /// <summary>Web projects are started in their own folder by default; a user's paths are relative to where the user stands.</summary>
    [Fact]
    public async Task Paths_OnTheCommandLine_AreRelativeToTheUsersFolder()
    {
        File.Copy(Path.Combine(Checkout.Root, "deploy/scenarios/page-size.yaml"), Path.Combine(lab.Scratch, "mine.yaml"), overwrite: true);
        var project = Path.Combine(Checkout.Root, "src/PmemFleet.Lab");
        var (exitCode, output) = await lab.RunAsync($"dotnet run --project {project} -- scenario mine.yaml --data mydata", lab.Scratch);
        Assert.True(exitCode == 0, output);
        Assert.True(Directory.Exists(Path.Combine(lab.Scratch, "mydata")), output);
        Assert.False(Directory.Exists(Path.Combine(project, "mydata")));
    }

    [Fact]
    public async Task Commands_OfEveryDocument_AreRunOrSaidNotToBe()
    {
        var blocks = ShellBlock.All();
        Assert.All(blocks.Where(block => !block.IsShell), block => Assert.False(block.LooksLikeShell, $"{block.Document}:{block.Line} holds commands and says not that it is a shell's"));
        foreach (var block in blocks.Where(block => block.IsShell))
        {
            var script = string.Join('\n', block.Commands().Select(command => command.Text));
            var (exitCode, output) = await lab.RunAsync($"bash -n <<'END_OF_BLOCK'\n{script}\nEND_OF_BLOCK", lab.Scratch);
            Assert.True(exitCode == 0, $"{block.Document}:{block.Line} {output}");
            Assert.True(Expected.ContainsKey(block.Document) || block.Lines.All(line => !IsRun(line)), $"{block.Document}:{block.Line} has commands that no test runs");
        }

        Assert.All(OnlyRead, one => Assert.True(blocks.Any(block => block.Lines.Any(line => Begins(line, one.Begin))), $"no document has '{one.Begin}'"));
    }

    /// <summary>What a command names in the repository is there, in the text beside the blocks too.</summary>
    [Fact]
    public void Paths_InDocumentedCommands_Exist()
    {
        var named = ShellBlock.Documents().SelectMany(document => RepositoryPath().Matches(Checkout.Text(document)).Select(match => (document, Path: match.Groups[1].Value))).ToList();
        Assert.NotEmpty(named);
        Assert.All(named, one => Assert.True(Path.Exists(Path.Combine(Checkout.Root, one.Path)), $"{one.document}: {one.Path}"));
    }

    private static IEnumerable<ShellBlock> Shells(string document) => ShellBlock.All().Where(block => block.Document == document && block.IsShell);

    private static bool Begins(string line, string begin) => (line.StartsWith("$ ", StringComparison.Ordinal) ? line[2..] : line).TrimStart().StartsWith(begin, StringComparison.Ordinal);

    /// <summary>True where a line of a command is run.</summary>
    private static bool IsRun(string text) => Without(text).Split('\n').Any(line => line.Trim().Length > 0 && !line.TrimStart().StartsWith('#'));

    private static string Without(string text) => string.Join('\n', text.Split('\n').Where(line => !OnlyRead.Any(one => Begins(line, one.Begin)) || line.StartsWith(DocumentedLab.Start + " --", StringComparison.Ordinal)));

    [GeneratedRegex(@"(?:--project |dotnet test )((?:src|tests)/[\w./-]+)|(?<=`|\n)(deploy/scripts/[\w.-]+)")]
    private static partial Regex RepositoryPath();
}
