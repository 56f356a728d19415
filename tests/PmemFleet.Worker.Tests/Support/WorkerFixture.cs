using Microsoft.AspNetCore.Builder;
using PmemFleet.Contracts.Sync;
using PmemFleet.Worker.Tests.Media;

namespace PmemFleet.Worker.Tests.Support;

/// <summary>A worker in the test's own process, with a scripted Api and one booted host.</summary>
internal sealed class WorkerFixture : IAsyncDisposable
{
    private readonly MediaFolder _folder = new();
    private WebApplication? _app;

    private WorkerFixture(ScriptedFleetApi api, ScriptedHost host) => (Api, Host) = (api, host);

    public ScriptedFleetApi Api { get; }

    public ScriptedHost Host { get; }

    public string Data => _folder.Path;

    public Uri Url { get; } = FreePort.Url();

    public DataPlaneClient Client => new(Url, Host);

    /// <param name="script">What goes wrong first.</param>
    public static Task<WorkerFixture> StartAsync(params Mishap[] script) => StartAsync(TestLayout.New(), script);

    public static async Task<WorkerFixture> StartAsync(HostLayout layout, params Mishap[] script)
    {
        var api = await ScriptedFleetApi.StartAsync();
        api.Script(script);
        var fixture = new WorkerFixture(api, api.AddHost(layout));
        await fixture.StartWorkerAsync();
        return fixture;
    }

    public async Task StartWorkerAsync()
    {
        _app = WorkerHost.Build([], WorkerEnvironment.Of(Api, "worker-1", Url, Data));
        await _app.StartAsync();
    }

    public async Task StopWorkerAsync()
    {
        await _app!.StopAsync();
        await _app.DisposeAsync();
        _app = null;
    }

    public Task<TaskResult> RunAsync(params TaskStep[] steps) => Api.Enqueue(Host, steps);

    /// <summary>Poisons bytes of the region.</summary>
    public Task<TaskResult> PoisonAsync(long spa, long length, bool notify) =>
        RunAsync(new InjectErrorsStep { Ranges = [TestLayout.Place(Host.Layout, spa, length)], Notify = notify });

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
        {
            await StopWorkerAsync();
        }

        await Api.DisposeAsync();
        _folder.Dispose();
    }
}
