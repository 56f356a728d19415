namespace PmemFleet.Api.Tests.Support;

/// <summary>An Api with a worker that keeps its media in memory.</summary>
public sealed class ResourceFixture : ApiFixture, IAsyncLifetime
{
    public MediaWorker Worker { get; private set; } = null!;

    public override async Task InitializeAsync()
    {
        await base.InitializeAsync();
        Worker = await MediaWorker.StartAsync(this, "w-1");
    }

    async Task IAsyncLifetime.DisposeAsync()
    {
        await Worker.DisposeAsync();
        await base.DisposeAsync();
    }
}
