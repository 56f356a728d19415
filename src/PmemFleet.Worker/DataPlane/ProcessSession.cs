using PmemFleet.Contracts.DataPlane;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Processes;
using PmemFleet.DeviceDax.AddressSpaces;
using PmemFleet.DeviceDax.Faults;
using PmemFleet.DeviceDax.PageTables;
using PmemFleet.DeviceDax.Primitives;
using PmemFleet.Worker.Hosts;

namespace PmemFleet.Worker.DataPlane;

/// <summary>Processes of a host's machine, in the wire's form.</summary>
internal static class ProcessSession
{
    private const int LongestComm = 15;

    public static Answer<ProcessDto> Create(LiveHost host, CreateProcessRequest request)
    {
        var comm = request.Comm ?? "sim";
        if (request.Pid is { } pid)
        {
            return Refusals.Of("EINVAL", "pid-not-choosable", "Pids are given by the simulated kernel, in order.", ("pid", pid)) with { Subject = "pid" };
        }

        return comm.Length is 0 or > LongestComm
            ? Refusals.Of("EINVAL", "comm-length", "A command name has 1 to 15 bytes.", ("length", comm.Length)) with { Subject = "comm" }
            : Show(host, host.Machine!.StartProcess(comm));
    }

    public static Answer<ListPage<ProcessDto>> List(LiveHost host) =>
        new ListPage<ProcessDto> { Items = [.. host.Machine!.Processes.Select(process => Show(host, process))] };

    public static Answer<ProcessDto> Get(LiveHost host, int pid) =>
        host.Machine!.FindProcess(pid) is { } process ? Show(host, process) : Missing(pid);

    public static Answer<Acknowledged> Exit(LiveHost host, int pid)
    {
        if (host.Machine!.FindProcess(pid) is not { } process)
        {
            return Missing(pid);
        }

        process.Exit();
        host.Pins.PutAll(pid);
        host.Notes.Exited(pid);
        return new Acknowledged();
    }

    public static Answer<ProcessDto> Fork(LiveHost host, int pid)
    {
        if (host.Machine!.FindProcess(pid) is not { } process)
        {
            return Missing(pid);
        }

        if (!process.Fork().TryGet(out var child, out var refusal))
        {
            return refusal.ToDto();
        }

        host.Notes.Forked(child.Pid, pid);
        return Show(host, child);
    }

    public static Answer<PageTablesDto> PageTables(LiveHost host, int pid)
    {
        if (host.Machine!.FindProcess(pid) is not { } process)
        {
            return Missing(pid);
        }

        var leaves = process.Mappings.Where(mapping => mapping.Device is not null).Select(mapping => (mapping.Device!.Granule, Present: process.PresentPages(mapping))).ToList();
        return new PageTablesDto
        {
            Pid = pid,
            Bytes = Show(process.PageTables),
            VmPteKiB = process.PageTables.VmPteBytes >> 10,
            Leaves = new LeafCountsDto
            {
                Pte = leaves.Where(leaf => leaf.Granule == PageGranule.Pte).Sum(leaf => leaf.Present),
                Pmd = leaves.Where(leaf => leaf.Granule == PageGranule.Pmd).Sum(leaf => leaf.Present),
                Pud = leaves.Where(leaf => leaf.Granule == PageGranule.Pud).Sum(leaf => leaf.Present),
            },
            Faults = Show(process.Faults),
        };
    }

    public static string? Smaps(LiveHost host, int pid) =>
        host.Machine?.FindProcess(pid) is { } process ? string.Concat(process.Smaps().Select(entry => entry.ToString())) : null;

    public static Contracts.Problems.RefusalDto Missing(int pid) => Refusals.NotFound($"process {pid}; processes end with their host's boot");

    public static PageTableBytesDto Show(PageTableCensus census) => new()
    {
        Pte = census.PteTables * PageTableCensus.TableBytes,
        Pmd = census.PmdTables * PageTableCensus.TableBytes,
        Pud = census.PudTables * PageTableCensus.TableBytes,
        Pgd = (census.P4dTables + census.PgdTables) * PageTableCensus.TableBytes,
        Total = census.Bytes,
    };

    public static FaultCountsDto Show(FaultCounts faults) => new()
    {
        Pte = faults.Pte.NoPage,
        Pmd = faults.Pmd.NoPage,
        Pud = faults.Pud.NoPage,
        Fallback = faults.Pte.Fallback + faults.Pmd.Fallback + faults.Pud.Fallback,
        Signalled = faults.Pte.SigBus + faults.Pmd.SigBus + faults.Pud.SigBus,
    };

    public static SignalDto? Show(SignalInfo signal) => signal.Signal is not { } name ? null : new SignalDto
    {
        Signal = name,
        Code = signal.CodeName!,
        Address = signal.Address.ToString(),
        AddressLsb = signal.AddressLsb,
    };

    private static ProcessDto Show(LiveHost host, Process process)
    {
        if (process.TakeSignals() is [.., var last] && Show(last) is { } signal)
        {
            host.Notes.Signalled(process.Pid, signal);
        }

        return Describe(host, process);
    }

    private static ProcessDto Describe(LiveHost host, Process process) => new()
    {
        Host = host.Layout.HostName,
        Pid = process.Pid,
        ParentPid = host.Notes.ParentOf(process.Pid),
        Comm = process.Comm,
        State = process.HasExited ? "killed" : "running",
        Signal = host.Notes.SignalOf(process.Pid),
        RssBytes = (long)process.Rss.Value,
        VirtualBytes = process.Mappings.Sum(mapping => (long)mapping.Length.Value),
        Faults = Show(process.Faults),
        PageTables = Show(process.PageTables),
        MappingCount = process.Mappings.Count(mapping => mapping.Device is not null),
    };
}
