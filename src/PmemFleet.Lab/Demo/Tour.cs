using PmemFleet.Contracts;
using PmemFleet.Contracts.Lists;

namespace PmemFleet.Lab.Demo;

/// <summary>A step of the tour.</summary>
/// <param name="Title">What it shows.</param>
/// <param name="RunAsync">The step.</param>
internal sealed record TourStep(string Title, Func<CancellationToken, Task> RunAsync);

/// <summary>
/// From an empty fleet to a faulting, poisoned dax device, through the public REST API only. Everything it reports comes out of
/// the API's answers; the tour only checks them.
/// </summary>
internal sealed partial class Tour(FleetApi api, TimeProvider time, string suffix)
{
    /// <summary>How often a step that lost its processes to a restarted worker is begun again.</summary>
    private const int Restarts = 5;

    private readonly string _host = $"demo{suffix}";
    private readonly string _importHost = $"import{suffix}";

    /// <summary>What the steps found so far.</summary>
    public TourReport Report { get; } = new();

    /// <summary>The steps in order.</summary>
    public IReadOnlyList<TourStep> Steps =>
    [
        new("A host with four DIMMs, a 4-way interleave set and a plain region", ProvisionHostAsync),
        new("Label areas initialised (v1.2)", InitialiseLabelsAsync),
        new("Namespaces of all four modes", CreateNamespacesAsync),
        new("A process maps the dax device shared and touches it", FaultAsync),
        new("A MAP_PRIVATE mapping is refused", RefusePrivateMappingAsync),
        new("Poison under the mapping: SIGBUS, a badblock, the write that clears it", PoisonAsync),
        new("The namespaces as ndctl list prints them", ListAsync),
        new("The label area of a real kernel, imported", ImportLabelsAsync),
        new("Power cycle: everything is still there", PowerCycleAsync),
        new("Labels and info blocks agree with the rows", CheckAsync),
    ];

    private static FleetJsonContext Json => FleetJsonContext.Default;

    private string HostPath => $"/v1/hosts/{_host}";

    private static void Require(bool condition, string what)
    {
        if (!condition)
        {
            throw new TourException(what);
        }
    }

    private async Task<IReadOnlyList<T>> ListAsync<T>(
        string path, System.Text.Json.Serialization.Metadata.JsonTypeInfo<ListPage<T>> type, CancellationToken cancellation) =>
        (await api.GetAsync(path, type, cancellation)).Items;

    private async Task WaitReadyAsync(string host, CancellationToken cancellation)
    {
        var start = time.GetTimestamp();
        while (true)
        {
            var state = await api.GetAsync($"/v1/hosts/{host}", Json.HostDto, cancellation);
            if (state.State == "ready")
            {
                return;
            }

            Require(time.GetElapsedTime(start) < TimeSpan.FromSeconds(60), $"host {host} is still {state.State} after 60 s");
            await Task.Delay(TimeSpan.FromMilliseconds(100), time, cancellation);
        }
    }

    /// <summary>Processes live in the worker: when it is restarted under a step, the step finds them gone and starts over.</summary>
    private async Task WithProcessAsync(Func<int, Task> step, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            await WaitReadyAsync(_host, cancellation);
            try
            {
                var process = await api.SendAsync(
                    HttpMethod.Post, $"{HostPath}/processes", new() { Comm = "tour" }, Json.CreateProcessRequest, Json.ProcessDto, cancellation);
                await step(process.Pid);
                return;
            }
            catch (TourException lost) when (lost.ProcessIsGone && attempt < Restarts)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(300), time, cancellation);
            }
        }
    }
}
