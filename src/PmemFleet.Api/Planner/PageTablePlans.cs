using System.Collections.Immutable;
using System.Globalization;
using PmemFleet.Api.Problems;
using PmemFleet.Api.Workloads;
using PmemFleet.Contracts.Planner;
using PmemFleet.Contracts.Problems;
using PmemFleet.DeviceDax.Planner;
using PmemFleet.DeviceDax.Primitives;
using PmemFleet.DeviceDax.Tlb;

namespace PmemFleet.Api.Planner;

/// <summary>
/// Plans by formula, and by simulation on request: one simulation at a time on each replica, within limits that keep it to seconds.
/// </summary>
public sealed class PageTablePlans : IDisposable
{
    private const long MostSimulatedProcesses = 20_000;
    private const long MostSimulatedTables = 200_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);

    private readonly SemaphoreSlim _simulation = new(1);

    public async Task<(PageTablePlanDto? Plan, RefusalDto? Refusal)> RunAsync(PlanPageTablesRequest request, CancellationToken cancellationToken)
    {
        var (planned, refusal) = Read(request);
        if (planned is null)
        {
            return (null, refusal);
        }

        if (!PageTablePlanner.Plan(planned).TryGet(out var plans, out var impossible))
        {
            return (null, WorkloadSpecs.ToDto(impossible));
        }

        if (plans.FirstOrDefault(plan => plan.LeafBytes > long.MaxValue || plan.TableBytes > long.MaxValue) is { } huge)
        {
            return (null, new RefusalDto
            {
                Errno = "EOVERFLOW",
                Code = "plan-overflow",
                Message = "All tables together have more than 2^63-1 bytes.",
                Subject = "processes",
                Numbers = new Dictionary<string, string> { ["tableBytes"] = huge.TableBytes.ToString(CultureInfo.InvariantCulture) },
                Allowed = [((long)(long.MaxValue / huge.TableBytesPerProcess)).ToString(CultureInfo.InvariantCulture)],
            });
        }

        IReadOnlyList<GranulePlanDto> formula = [.. plans.Select(Show)];
        if (!request.Simulate)
        {
            return (new PageTablePlanDto { Plans = formula }, null);
        }

        var (simulated, tooLarge) = await SimulateAsync(planned, cancellationToken);
        return simulated.IsDefault
            ? (null, tooLarge)
            : (new PageTablePlanDto { Plans = formula, Simulated = [.. simulated.Select(Show)], Agrees = plans.SequenceEqual(simulated) }, null);
    }

    public void Dispose() => _simulation.Dispose();

    private async Task<(ImmutableArray<GranulePlan> Plans, RefusalDto? Refusal)> SimulateAsync(PageTablePlanRequest request, CancellationToken cancellationToken)
    {
        var processes = request.SharesTables ? 1 : request.Processes;
        var tables = processes * (long)((request.MemoryBytes >> 39) + 1);
        if (processes > MostSimulatedProcesses || tables > MostSimulatedTables)
        {
            var most = Math.Min(MostSimulatedProcesses, MostSimulatedTables / (long)((request.MemoryBytes >> 39) + 1));
            return (default, Refusals.Invalid(
                "simulation-too-large",
                "simulate",
                $"A simulation has at most {MostSimulatedProcesses} processes and {MostSimulatedTables} tables of 512 GiB over all of them; the formula has no such limit.",
                $"{Math.Max(most, 1)}").With("processes", processes).With("tables", tables).With("limit", MostSimulatedTables));
        }

        if (!await _simulation.WaitAsync(Patience, cancellationToken))
        {
            return (default, Busy("Another simulation is running on this replica."));
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        stop.CancelAfter(Longest);
        try
        {
            var run = await Task.Factory.StartNew(() => PageTablePlanner.Simulate(request, stop.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            return run.TryGet(out var plans, out var refusal) ? (plans, null) : (default, WorkloadSpecs.ToDto(refusal));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return (default, Busy($"The simulation took longer than {Longest.TotalSeconds} s on this machine."));
        }
        finally
        {
            _simulation.Release();
        }
    }

    private static (PageTablePlanRequest? Request, RefusalDto? Refusal) Read(PlanPageTablesRequest request)
    {
        var granules = ImmutableArray.CreateBuilder<PageGranule>();
        foreach (var (granule, index) in (request.Granules ?? [new(1 << 12), new(1 << 21), new(1 << 30)]).Take(4).Select((granule, index) => (granule, index)))
        {
            if (!PageGranules.TryFromAlign((ulong)granule.Value, out var known) || granules.Contains(known))
            {
                return (null, Refusals.Invalid("plan-invalid", $"granules/{index}", "Page sizes are 4 KiB, 2 MiB and 1 GiB, each once.", "4096", "2097152", "1073741824").With("granule", granule.Value));
            }

            granules.Add(known);
        }

        if (granules.Count == 0)
        {
            return (null, Refusals.Invalid("plan-invalid", "granules", "A plan needs a page size.", "4096", "2097152", "1073741824"));
        }

        if (request.Tables is not (null or "private" or "shared"))
        {
            return (null, Refusals.Invalid("plan-invalid", "tables", "Tables are private or shared.", "private", "shared"));
        }

        if (request.Map is not (null or "mem" or "dev"))
        {
            return (null, Refusals.Invalid("plan-invalid", "map", "Struct pages are in mem or on dev.", "mem", "dev"));
        }

        var tlb = request.Tlb is null ? TlbGeometry.Server : TlbGeometries.Read(request.Tlb);
        if (!tlb.IsValid)
        {
            return (null, Refusals.Invalid("plan-invalid", "tlb", "Each cache has 1 to 32 ways and up to 1048576 entries, whose quotient is a power of two."));
        }

        var plan = new PageTablePlanRequest(request.Processes!.Value, (ulong)request.Memory!.Value.Value)
        {
            Granules = granules.ToImmutable(),
            SharesTables = request.Tables == "shared",
            Levels = request.Levels ?? 4,
            StructPageBytes = (ulong)(request.StructPageSize ?? 64),
            DeduplicatesStructPages = request.DeduplicateVmemmap,
            StructPages = request.Map == "dev" ? StructPageLocation.Device : StructPageLocation.Memory,
            Tlb = tlb,
        };
        return (request.Start is { } start ? plan with { Start = new((ulong)start.Value) } : plan, null);
    }

    private static GranulePlanDto Show(GranulePlan plan) => new()
    {
        Granule = (long)plan.Granule.Bytes(),
        LeafEntriesPerProcess = (long)plan.LeafEntries,
        LeafBytesPerProcess = (long)plan.LeafBytesPerProcess,
        LeafBytes = (long)plan.LeafBytes,
        LeafText = Text((long)plan.LeafBytes),
        TablePages = new TablePagesDto
        {
            Pte = plan.Tables.PteTables,
            Pmd = plan.Tables.PmdTables,
            Pud = plan.Tables.PudTables,
            P4d = plan.Tables.P4dTables,
            Pgd = plan.Tables.PgdTables,
        },
        TableBytesPerProcess = (long)plan.TableBytesPerProcess,
        TableBytes = (long)plan.TableBytes,
        TableText = Text((long)plan.TableBytes),
        StructPageBytes = (long)plan.StructPageBytes,
        StructPageBytesInMemory = (long)plan.StructPageBytesInMemory,
        TlbEntries = plan.TlbEntries,
        TlbReachBytes = (long)plan.TlbReachBytes,
    };

    private static string Text(long bytes)
    {
        var (unit, name) = bytes >= 1L << 30 ? (1L << 30, "GiB") : bytes >= 1L << 20 ? (1L << 20, "MiB") : (1L << 10, "KiB");
        return string.Create(CultureInfo.InvariantCulture, $"{(decimal)bytes / unit:0.###} {name}");
    }

    private static RefusalDto Busy(string message) => new() { Errno = "EAGAIN", Code = "simulation-busy", Message = message };
}
