using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using PmemFleet.Api.Tests.Support;

namespace PmemFleet.Api.Tests.Fidelity;

/// <summary>Recorded sessions of a real Linux, typed again through REST, and the page that counts them.</summary>
public sealed class SessionReplayTests(RealWorkerFixture fixture) : IClassFixture<RealWorkerFixture>
{
    private static readonly ConcurrentDictionary<string, Task<IReadOnlyList<StepResult>>> Runs = new();

    public static TheoryData<string> Sessions => [.. Recording.Sessions()];

    [Theory]
    [MemberData(nameof(Sessions))]
    [Trait("Row", "20")]
    public async Task Session_TypedThroughRest_AgreesWithLinux(string session)
    {
        var recording = Recording.Load(session);
        var results = await RunAsync(session);
        var wrong = new StringBuilder();
        for (var at = 0; at < results.Count; at++)
        {
            if (results[at].Difference is { } difference)
            {
                wrong.AppendLine(CultureInfo.InvariantCulture, $"{at} {SessionReplay.Title(recording.Events[at]!)}: {difference}");
            }
        }

        Assert.True(wrong.Length == 0, wrong.ToString());
    }

    /// <summary><c>docs/fidelity/rest.md</c> says how much of each session is compared, and why the rest is not.</summary>
    [Fact]
    public async Task Page_CountsWhatIsCompared()
    {
        var rows = new StringBuilder();
        var reasons = new SortedDictionary<string, int>(StringComparer.Ordinal);
        var (steps, compared) = (0, 0);
        foreach (var session in Recording.Sessions())
        {
            var results = await RunAsync(session);
            var passedOver = results.Count(result => result.PassedOver is not null);
            rows.Append(CultureInfo.InvariantCulture, $"| {session} | {results.Count} | {results.Count - passedOver} | {passedOver} |\n");
            (steps, compared) = (steps + results.Count, compared + results.Count - passedOver);
            foreach (var reason in results.Select(result => result.PassedOver).OfType<string>())
            {
                reasons[reason] = reasons.GetValueOrDefault(reason) + 1;
            }
        }

        var text = new StringBuilder("# Recorded sessions, typed again through REST\n\n");
        text.Append("`SessionReplayTests` sends each recorded command of ndctl, daxctl, sysfs and the block devices as its REST call, to an Api with a real\n");
        text.Append("worker and a real database. It compares exit status, JSON, snapshots, read data and the bytes of label areas. A step that differs fails the\n");
        text.Append("test. This page is made by the same tests: `PMEMFLEET_UPDATE_FIDELITY=1 dotnet test tests/PmemFleet.Api.Tests --filter SessionReplay`.\n\n");
        text.Append("| session | steps | compared | passed over |\n|---|---|---|---|\n").Append(rows);
        text.Append(CultureInfo.InvariantCulture, $"| all | {steps} | {compared} | {steps - compared} |\n");
        text.Append("\n| passed over because | steps |\n|---|---|\n");
        foreach (var (reason, count) in reasons)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {reason} | {count} |\n");
        }

        var page = Path.Combine(Recording.Checkout(), "docs", "fidelity", "rest.md");
        if (Environment.GetEnvironmentVariable("PMEMFLEET_UPDATE_FIDELITY") == "1")
        {
            await File.WriteAllTextAsync(page, text.ToString());
        }

        Assert.Equal(await File.ReadAllTextAsync(page), text.ToString());
    }

    private Task<IReadOnlyList<StepResult>> RunAsync(string session) =>
        Runs.GetOrAdd(session, name => SessionReplay.RunAsync(fixture.Admin, Recording.Load(name)));
}
