using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using PmemFleet.Api.Hosting;
using PmemFleet.Worker;

namespace PmemFleet.Lab.Tests.Observability;

/// <summary>The product's own metrics as Prometheus sees them: asked from the programs' instruments, which exist once the programs are built.</summary>
internal static class MetricNames
{
    /// <summary>Every series name, such as <c>pmemfleet_operations_ended_total</c>; a histogram has three.</summary>
    public static async Task<HashSet<string>> SeriesAsync() => [.. (await InstrumentsAsync()).SelectMany(SeriesOf)];

    /// <summary>One set of series for each instrument.</summary>
    public static async Task<IReadOnlyList<Instrument>> InstrumentsAsync()
    {
        var folder = Directory.CreateTempSubdirectory("pmemfleet-test-");
        await using var api = ApiHost.Build([], builder => Microsoft.Extensions.Configuration.MemoryConfigurationBuilderExtensions.AddInMemoryCollection(
            builder.Configuration, new Dictionary<string, string?> { ["PMEMFLEET:DATABASE:HOST"] = "nowhere.invalid" }));
        await using var worker = WorkerHost.Build([], new Dictionary<string, string>
        {
            ["PMEMFLEET__WORKER__JOINTOKEN"] = "join-token-for-tests-only",
            ["PMEMFLEET__WORKER__DATADIRECTORY"] = folder.FullName,
        });
        _ = api.Services.GetRequiredService<FleetGauges>();
        var instruments = new List<Instrument>();
        using (var listener = new MeterListener())
        {
            listener.InstrumentPublished = (instrument, _) =>
            {
                if (instrument.Meter.Name.StartsWith("PmemFleet.", StringComparison.Ordinal))
                {
                    instruments.Add(instrument);
                }
            };
            listener.Start();
        }

        folder.Delete(recursive: true);
        return instruments;
    }

    public static IEnumerable<string> SeriesOf(Instrument instrument) => instrument switch
    {
        Counter<long> => [instrument.Name + "_total"],
        Histogram<double> => [instrument.Name + "_bucket", instrument.Name + "_sum", instrument.Name + "_count"],
        _ => [instrument.Name],
    };
}
