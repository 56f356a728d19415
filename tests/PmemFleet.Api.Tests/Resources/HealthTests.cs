using System.Net;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Events;
using PmemFleet.Contracts.Health;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Namespaces;

namespace PmemFleet.Api.Tests.Resources;

/// <summary>SMART values, alarms, security and firmware over the product's own worker (spec 60 sections 10 and 11).</summary>
public sealed class HealthTests(RealWorkerFixture fixture) : IClassFixture<RealWorkerFixture>
{
    private readonly HttpClient _api = fixture.Admin;

    [Fact]
    public async Task Inject_ValuesAndThresholds_TripAlarmsOnceAndComeBack()
    {
        var dimm = await DimmAsync("smart");
        var hot = (await InjectAsync(dimm, """{"mediaTemperature":90.5,"mediaTemperatureThreshold":80,"mediaTemperatureAlarm":"on"}""")).Health;
        Assert.Equal((90.5, true, true), (hot.TemperatureCelsius, hot.AlarmTemperature, hot.AlarmEnabledMediaTemperature));
        Assert.Equal(["dimm.alarm-temperature"], await EventsAsync("smart"));
        await InjectAsync(dimm, """{"mediaTemperature":91}""");
        Assert.Equal(["dimm.alarm-temperature"], await EventsAsync("smart"));

        var few = (await InjectAsync(dimm, """{"spares":4,"sparesThreshold":5,"sparesAlarm":"on","fatal":true}""")).Health;
        Assert.Equal((4, true, "fatal"), (few.SparesPercentage, few.AlarmSpares, few.HealthState));
        Assert.Equal(["dimm.alarm-temperature", "dimm.alarm-spares", "dimm.health-degraded"], await EventsAsync("smart"));

        var page = await InjectAsync(dimm, """{"uninjectAll":true}""");
        Assert.Equal((false, false, "ok", 100), (page.Health.AlarmTemperature, page.Health.AlarmSpares, page.Health.HealthState, page.Health.SparesPercentage));
        Assert.Equal("dimm.health-restored", (await EventsAsync("smart"))[^1]);
        Assert.Empty(page.Health.Injected);
        Assert.Equal("ok", (string?)page.Ndctl["health_state"]);
    }

    [Fact]
    public async Task Inject_UnsafeShutdown_CountsForGoodAndIsCleanAfterAPowerCycle()
    {
        var dimm = await DimmAsync("latched");
        var before = (await HealthAsync(dimm)).ShutdownCount;

        var dirty = (await InjectAsync(dimm, """{"unsafeShutdown":true}""")).Health;
        Assert.Equal(("dirty", before + 1), (dirty.ShutdownState, dirty.ShutdownCount));
        var taken = (await InjectAsync(dimm, """{"unsafeShutdownUninject":true}""")).Health;
        Assert.Equal(("clean", before + 1), (taken.ShutdownState, taken.ShutdownCount));

        await _api.PostAsync<Contracts.Hosts.HostDto>("/v1/hosts/latched/power", """{"action":"cut"}""");
        Assert.Equal(("dirty", before + 2), await ShutdownAsync(dimm));
        await _api.PostAsync<Contracts.Hosts.HostDto>("/v1/hosts/latched/power", """{"action":"cycle"}""");
        Assert.Equal(("clean", before + 2), await ShutdownAsync(dimm));
        Assert.Equal(2, (await EventsAsync("latched")).Count(type => type == "dimm.unsafe-shutdown"));
    }

    [Fact]
    public async Task WorkerLost_CountsAnUnsafeShutdown()
    {
        var dimm = await DimmAsync("lost");
        var before = (await HealthAsync(dimm)).ShutdownCount;

        fixture.KillWorker();

        await Eventually.Async(async () => (await HealthAsync(dimm)).ShutdownCount == before + 1, TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task Errors_Growing_TakeSparesAndLife()
    {
        var dimm = await DimmAsync("worn");
        Assert.Equal((100, 0), Wear(await HealthAsync(dimm)));
        await _api.PostAsync<ListPage<Contracts.MediaErrors.MediaErrorDto>>("/v1/hosts/worn/media-errors", """{"dimm":"nmem0","offset":0,"length":"16M"}""");

        await Eventually.Async(async () => (await HealthAsync(dimm)).SparesPercentage < 100, TimeSpan.FromSeconds(20));
        var worn = await HealthAsync(dimm);
        Assert.True(worn is { SparesPercentage: < 100, LifeUsedPercentage: > 0 }, $"{worn}");
    }

    [Fact]
    public async Task Errors_MoreThanAnObservationCarries_AreListedWholePartByPart()
    {
        var dimm = await DimmAsync("riddled");
        var campaign = await _api.PostAsync<Contracts.Campaigns.CampaignDto>(
            "/v1/campaigns", """{"seed":3,"durationSeconds":3600,"hosts":["riddled"],"effect":"apply","sources":[{"perDimmHour":2000}]}""");
        var starts = new List<long>();
        Contracts.MediaErrors.DimmErrorsDto part;
        long? from = 0;
        do
        {
            part = await _api.GetAsync<Contracts.MediaErrors.DimmErrorsDto>($"{dimm}/errors?limit=400&fromDpa={from}");
            starts.AddRange(part.Poison.Select(range => range.Dpa));
            from = part.NextDpa;
        }
        while (from is not null);

        Assert.True(part is { PoisonRanges: > 1500, KnownRanges: 0 }, $"{part}");
        Assert.Equal(part.PoisonRanges, starts.Count);
        Assert.Equal(starts.Distinct().Order(), starts);
        Assert.InRange(part.PoisonBytes, 256 * part.PoisonRanges, 256 * campaign.Result!.Summary.Errors);
        Assert.Equal("request-invalid", (await _api.RefusedAsync(HttpMethod.Get, $"{dimm}/errors?limit=0", null, HttpStatusCode.BadRequest)).Code);
    }

    [Theory]
    [InlineData("""{"mediaTemperature":50,"mediaTemperatureUninject":true}""")]
    [InlineData("""{"sparesAlarm":"maybe"}""")]
    [InlineData("""{"spares":101}""")]
    [InlineData("""{"mediaTemperature":1e9}""")]
    [InlineData("""{"clearErrorErrno":"EWHAT"}""")]
    public async Task Inject_Impossible_IsRefusedAndChangesNothing(string body)
    {
        var dimm = await DimmAsync("refusing");
        var before = await HealthAsync(dimm);
        var refused = await _api.RefusedAsync(HttpMethod.Post, $"{dimm}/health/inject", body, HttpStatusCode.UnprocessableEntity);
        Assert.Equal("EINVAL", refused.Errno);
        Assert.Equivalent(before, await HealthAsync(dimm), strict: true);
    }

    [Fact]
    public async Task Security_LocksWithThePowerCycle_AndAFrozenDimmTakesNothing()
    {
        var dimm = await DimmAsync("secured");
        Assert.Equal(("disabled", false), await SecurityAsync(dimm));
        await CommandAsync(dimm, "update 0 1001");
        Assert.Equal(("unlocked", false), await SecurityAsync(dimm));
        Assert.Equal("EBUSY", await RefusedAsync(dimm, "erase 1001"));
        await _api.PostAsync<Contracts.Hosts.HostDto>("/v1/hosts/secured/power", """{"action":"cycle"}""");
        await Eventually.Async(async () => (await SecurityAsync(dimm)).State == "locked", TimeSpan.FromSeconds(20));
        Assert.DoesNotContain((await _api.GetAsync<ListPage<NamespaceDto>>("/v1/hosts/secured/namespaces")).Items, space => space.State == "enabled");

        Assert.NotNull(await RefusedAsync(dimm, "unlock 7"));
        await CommandAsync(dimm, "unlock 1001");
        Assert.Equal(("unlocked", false), await SecurityAsync(dimm));
        await CommandAsync(dimm, "freeze");
        Assert.Equal(("unlocked", true), await SecurityAsync(dimm));
        Assert.Equal("EIO", await RefusedAsync(dimm, "disable 1001"));
        Assert.Equal("EINVAL", await RefusedAsync(dimm, "melt 1001"));
    }

    [Fact]
    public async Task Firmware_ArmedOne_RunsAfterThePowerCycle()
    {
        var dimm = await DimmAsync("flashed");
        var old = (await HealthAsync(dimm)).Firmware.CurrentVersion;
        Assert.NotNull((await _api.RefusedAsync(HttpMethod.Post, $"{dimm}/firmware", """{"activate":true}""", HttpStatusCode.UnprocessableEntity)).Errno);
        var armed = (await _api.PostAsync<DimmHealthPageDto>($"{dimm}/firmware", """{"version":"9.9.9.9999"}""")).Health.Firmware;
        Assert.Equal((old, "9.9.9.9999", "armed"), (armed.CurrentVersion, armed.NextVersion, armed.State));

        await _api.PostAsync<Contracts.Hosts.HostDto>("/v1/hosts/flashed/power", """{"action":"cycle"}""");

        await Eventually.Async(async () => (await HealthAsync(dimm)).Firmware is { CurrentVersion: "9.9.9.9999", State: "idle" }, TimeSpan.FromSeconds(20));
    }

    private async Task<string> DimmAsync(string host)
    {
        if (!(await _api.GetAsync<ListPage<Contracts.Hosts.HostDto>>("/v1/hosts")).Items.Any(known => known.Name == host))
        {
            await _api.CreateReadyHostAsync($$"""{"name":"{{host}}","dimms":[{"capacity":"64M"}],"regions":[{"dimms":["nmem0"]}]}""");
        }

        var dimm = $"/v1/hosts/{host}/dimms/nmem0";
        await Eventually.Async(async () => (await _api.GetAsync($"{dimm}/health")).IsSuccessStatusCode, TimeSpan.FromSeconds(30));
        return dimm;
    }

    private Task<DimmHealthPageDto> InjectAsync(string dimm, string body) => _api.PostAsync<DimmHealthPageDto>($"{dimm}/health/inject", body);

    private async Task<DimmHealthDto> HealthAsync(string dimm) => (await _api.GetAsync<DimmHealthPageDto>($"{dimm}/health")).Health;

    private async Task<(string State, long Count)> ShutdownAsync(string dimm)
    {
        var health = await HealthAsync(dimm);
        return (health.ShutdownState, health.ShutdownCount);
    }

    private static (int Spares, int Life) Wear(DimmHealthDto health) => (health.SparesPercentage, health.LifeUsedPercentage);

    private async Task<(string State, bool Frozen)> SecurityAsync(string dimm)
    {
        var security = (await HealthAsync(dimm)).Security;
        return (security.State, security.Frozen);
    }

    private Task<DimmHealthPageDto> CommandAsync(string dimm, string command) => _api.PostAsync<DimmHealthPageDto>($"{dimm}/security", $$"""{"command":"{{command}}"}""");

    private async Task<string?> RefusedAsync(string dimm, string command)
    {
        using var content = new StringContent($$"""{"command":"{{command}}"}""", null, "application/json");
        var answer = await _api.PostAsync(new Uri($"{dimm}/security", UriKind.Relative), content);
        Assert.False(answer.IsSuccessStatusCode);
        return (await answer.ReadProblemAsync()).Errno;
    }

    private async Task<List<string>> EventsAsync(string host) =>
        [.. (await _api.GetAsync<ListPage<EventDto>>("/v1/events?limit=1000")).Items.Where(one => one.Host == host).Select(one => one.Type).Where(type => type.StartsWith("dimm.", StringComparison.Ordinal) && type is not ("dimm.created" or "dimm.smart-injected"))];
}
