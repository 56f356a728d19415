using System.CommandLine;
using System.Net.Http.Headers;
using PmemFleet.Lab.Demo;
using PmemFleet.Lab.Hosting;
using PmemFleet.Lab.Scenarios;
using Spectre.Console;

namespace PmemFleet.Lab;

/// <summary>The lab's command line.</summary>
internal static class LabCommand
{
    private static readonly Option<string?> Data = new("--data") { Description = "Folder that keeps the lab's data; a temporary one, which is removed, by default." };
    private static readonly Option<int> Port = new("--port") { Description = "Port of the Api on 127.0.0.1; a free one by default." };
    private static readonly Option<bool> Verbose = new("--verbose") { Description = "Show the Api's and the worker's log on standard error." };
    private static readonly Option<bool> Json = new("--json") { Description = "Print one JSON document with every figure." };
    private static readonly Option<Uri?> ApiUrl = new("--api")
    {
        Description = "Run the tour against this Api instead of a lab of its own.",
        CustomParser = static result =>
        {
            if (Uri.TryCreate(result.Tokens[0].Value, UriKind.Absolute, out var url) && url.Scheme is ("http" or "https"))
            {
                return url;
            }

            result.AddError($"--api takes an http or https URL, not '{result.Tokens[0].Value}'");
            return null;
        },
    };
    private static readonly Option<string?> Key = new("--key") { Description = "The key for --api; PMEMFLEET_KEY by default." };
    private static readonly Option<string> Suffix = new("--suffix") { Description = "Put behind the demo hosts' names, to run the tour again on a fleet that has had it.", DefaultValueFactory = _ => string.Empty };

    private static readonly Argument<FileInfo[]> Files = new("file") { Description = "Scenario files (YAML), such as deploy/scenarios/*.yaml.", Arity = ArgumentArity.OneOrMore };

    /// <summary>Parses and runs; the process's exit code.</summary>
    public static Task<int> RunAsync(string[] args)
    {
        var demo = new Command("demo", "Start a lab, run the tour through the REST API, and stop.") { Json, ApiUrl, Key, Suffix };
        demo.SetAction((parsed, cancellation) => GuardAsync(() => DemoAsync(parsed, cancellation)));
        var scenario = new Command("scenario", "Run scenario files: a fleet, what is done to it, and what has to be true then. Exit code 0: all of it was.") { Files, Json, ApiUrl, Key };
        scenario.SetAction((parsed, cancellation) => GuardAsync(() => ScenarioAsync(parsed, cancellation)));
        var root = new RootCommand("PmemFleet's lab: a private PostgreSQL, the Api and a worker on this machine.") { Data, Port, Verbose, demo, scenario };
        foreach (var option in (Option[])[Data, Port, Verbose])
        {
            option.Recursive = true;
        }

        root.SetAction((parsed, cancellation) => GuardAsync(() => ServeAsync(parsed, cancellation)));
        return root.Parse(args).InvokeAsync();
    }

    private static async Task<int> DemoAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var suffix = parsed.GetValue(Suffix)!;
        if (parsed.GetValue(ApiUrl) is { } url)
        {
            using var remote = new HttpClient { BaseAddress = url };
            remote.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", parsed.GetValue(Key) ?? Environment.GetEnvironmentVariable("PMEMFLEET_KEY"));
            return await DemoCommand.RunAsync(remote, parsed.GetValue(Json), suffix, AnsiConsole.Console, TimeProvider.System, cancellation);
        }

        await using var lab = await Hosting.Lab.StartAsync(Options(parsed), cancellation);
        using var http = lab.CreateClient();
        return await DemoCommand.RunAsync(http, parsed.GetValue(Json), suffix, AnsiConsole.Console, TimeProvider.System, cancellation);
    }

    private static async Task<int> ScenarioAsync(ParseResult parsed, CancellationToken cancellation)
    {
        // all are read before the first is run: a file with a mistake is found at once
        Scenario[] scenarios = [.. parsed.GetValue(Files)!.Select(file => Scenario.Read(file.FullName))];
        if (parsed.GetValue(ApiUrl) is { } url)
        {
            using var remote = new HttpClient { BaseAddress = url };
            remote.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", parsed.GetValue(Key) ?? Environment.GetEnvironmentVariable("PMEMFLEET_KEY"));
            return await RunAsync(scenarios, remote, parsed.GetValue(Json), cancellation);
        }

        await using var lab = await Hosting.Lab.StartAsync(Options(parsed), cancellation);
        using var http = lab.CreateClient();
        return await RunAsync(scenarios, http, parsed.GetValue(Json), cancellation);
    }

    private static async Task<int> RunAsync(IReadOnlyList<Scenario> scenarios, HttpClient http, bool json, CancellationToken cancellation)
    {
        http.Timeout = Timeout.InfiniteTimeSpan;
        var passed = true;
        foreach (var scenario in scenarios)
        {
            var verdict = await new ScenarioRun(scenario, http, TimeProvider.System, check =>
            {
                if (!json)
                {
                    Console.WriteLine($"{(check.Passed ? "ok    " : "FAILED")} {scenario.Name}: {check.What}{(check.Passed ? string.Empty : $" ({check.Detail})")}");
                }
            }).RunAsync(cancellation);
            passed &= verdict.Passed;
            if (json)
            {
                Console.WriteLine(System.Text.Json.JsonSerializer.Serialize(verdict, ScenarioJson.Default.ScenarioVerdict));
            }
        }

        return passed ? 0 : 1;
    }

    private static async Task<int> ServeAsync(ParseResult parsed, CancellationToken cancellation)
    {
        await using var lab = await Hosting.Lab.StartAsync(Options(parsed), cancellation);
        var address = lab.Address.ToString().TrimEnd('/');
        AnsiConsole.WriteLine($"Swagger UI: {address}/swagger (Authorize with the key below)");
        AnsiConsole.WriteLine("For the curl tour of the README:");
        Console.WriteLine($"export PMEMFLEET_URL={address}");
        Console.WriteLine($"export PMEMFLEET_KEY={lab.Key}");
        AnsiConsole.WriteLine("Ctrl+C stops the lab.");
        try
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
        }
        catch (OperationCanceledException)
        {
            // the way to end it
        }

        return 0;
    }

    private static LabOptions Options(ParseResult parsed) => new()
    {
        DataFolder = parsed.GetValue(Data),
        Port = parsed.GetValue(Port),
        ApiLog = parsed.GetValue(Verbose) ? LogLevel.Information : LogLevel.Error,
        WorkerLog = parsed.GetValue(Verbose) ? line => Console.Error.WriteLine(line) : null,
        Report = line => Console.Error.WriteLine(line),
    };

    /// <summary>What a user can mend is said in a sentence, not in a stack trace.</summary>
    private static async Task<int> GuardAsync(Func<Task<int>> run)
    {
        try
        {
            return await run();
        }
        catch (Exception failure) when (failure is InvalidOperationException or IOException or HttpRequestException or Npgsql.NpgsqlException)
        {
            await Console.Error.WriteLineAsync($"pmemfleet lab: {failure.Message}");
            return 1;
        }
    }
}
