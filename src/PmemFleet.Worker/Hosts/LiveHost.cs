using System.Collections.Concurrent;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Sync;
using PmemFleet.DeviceDax.Machines;
using PmemFleet.DeviceDax.Poison;
using PmemFleet.DeviceDax.Primitives;
using PmemFleet.Nvdimm.Badblocks;
using PmemFleet.Worker.DataPlane;
using PmemFleet.Worker.Media;
using PmemFleet.Worker.Tasks;

namespace PmemFleet.Worker.Hosts;

/// <summary>
/// A host this worker holds under an epoch: its media, and what lives from boot to boot: bound namespaces and the fault engine's
/// machine with its processes. Everything is done under <see cref="Gate"/>, one thing at a time.
/// </summary>
internal sealed class LiveHost : IDisposable, IPoisonSource
{
    private readonly Dictionary<Guid, DimmMedia> _dimms = [];
    private readonly Dictionary<Guid, long> _acknowledged = [];

    public LiveHost(HostStore store, HostLayout layout, long generation)
    {
        Store = store;
        Memory = new SystemMemory([], _dimms, store.Fence);
        Scrub = new HostScrub(Memory);
        try
        {
            Apply(layout, generation);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>One thing at a time.</summary>
    public SemaphoreSlim Gate { get; } = new(1, 1);

    public HostStore Store { get; }

    public HostLayout Layout { get; private set; } = null!;

    /// <summary>A flush of one of its media files failed: nothing of the host is believed until it is opened again.</summary>
    public bool IsLost => _dimms.Values.Any(dimm => dimm.IsLost);

    public long Generation { get; private set; }

    public SystemMemory Memory { get; }

    /// <summary>The bus's scrub since the last boot.</summary>
    public HostScrub Scrub { get; private set; }

    /// <summary>This worker has let the host go; set under the gate, and nothing is done on it from then on.</summary>
    public bool IsDropped { get; private set; }

    /// <summary>The end of the tasks that were taken so far.</summary>
    public Task Work { get; set; } = Task.CompletedTask;

    /// <summary>The machine since the last boot; null before the first and after a shutdown.</summary>
    public Machine? Machine { get; private set; }

    /// <summary>Namespaces bound since the boot, by device name.</summary>
    public Dictionary<string, BoundNamespace> Bound { get; } = new(StringComparer.Ordinal);

    /// <summary>Numbers of the mappings that clients were given.</summary>
    public MappingNumbers Mappings { get; private set; } = new();

    /// <summary>System physical pages that are marked HWPoison since the boot: the granules of consumed errors.</summary>
    public PoisonList HwPoison { get; private set; } = new();

    /// <summary>What clients are told of processes beyond the engine's own state.</summary>
    public ProcessNotes Notes { get; private set; } = new();

    /// <summary>Pins that clients hold.</summary>
    public UserPins Pins { get; private set; } = new();

    /// <summary>What is done now is a dry run: processes are put back after it, and nothing may reach the media.</summary>
    public bool IsRehearsal { get; private set; }

    /// <summary>Answers of this boot by Idempotency-Key.</summary>
    public RepeatedRequests Repeats { get; } = new();

    /// <summary>The highest sequence of a task that was taken; what is below it is under way, or its result waits.</summary>
    public long AcceptedSequence { get; set; }

    /// <summary>Tasks that are queued or run.</summary>
    public ConcurrentDictionary<Guid, bool> UnderWay { get; } = [];

    /// <summary>Tasks that the Api wants stopped.</summary>
    public ConcurrentDictionary<Guid, bool> Cancelled { get; } = [];

    /// <summary>Tasks that run beside the others, by id.</summary>
    public ConcurrentDictionary<Guid, LongTask> LongTasks { get; } = [];

    /// <summary>Ends the long tasks that something of the host takes the ground from.</summary>
    public void EndLongTasks(Func<LongTask, bool> which, RefusalDto why)
    {
        foreach (var task in LongTasks.Values.Where(which))
        {
            task.Stop(why);
        }
    }

    /// <summary>Does something with the host's processes for its answer alone: whatever it changes is as before when this returns.</summary>
    public T Rehearse<T>(Func<LiveHost, T> act)
    {
        using var machine = Machine?.Rehearse();
        var kept = (Mappings, Notes, Pins);
        (Mappings, Notes, Pins, IsRehearsal) = (Mappings.Copy(), Notes.Copy(), Pins.Rehearsed(), true);
        try
        {
            return act(this);
        }
        finally
        {
            ((Mappings, Notes, Pins), IsRehearsal) = (kept, false);
        }
    }

    /// <summary>A load reached poison: the bus lists the line from now on.</summary>
    public void MakeKnown(ByteRange line)
    {
        if (!IsRehearsal)
        {
            Memory.MakeKnown(line);
        }
    }

    /// <summary>The granule of a consumed error is marked HWPoison.</summary>
    public void MarkPoisoned(long physical, long granule)
    {
        if (!IsRehearsal)
        {
            HwPoison.Add(physical / granule * granule, granule);
        }
    }

    /// <summary>Takes what is plugged from now on; DIMMs that are gone are closed.</summary>
    public void Apply(HostLayout layout, long generation)
    {
        foreach (var gone in _dimms.Keys.Except(layout.Dimms.Select(dimm => dimm.DimmId)).ToList())
        {
            _dimms.Remove(gone, out var dimm);
            dimm!.Dispose();
        }

        if (Store.IsAdopted && Layout is null)
        {
            // before the first is opened, which writes the manifest
            foreach (var dimm in layout.Dimms)
            {
                DimmMedia.Demand(Store.Folder, dimm);
            }
        }

        foreach (var dimm in layout.Dimms.Where(dimm => !_dimms.ContainsKey(dimm.DimmId)))
        {
            _dimms.Add(dimm.DimmId, DimmMedia.Open(Store.Folder, Store.HostId, dimm, Store.Fence, Store.Room));
        }

        (Layout, Generation) = (layout, generation);
        Memory.Rearrange(layout.Regions);
        Scrub.Stop();
        Scrub = new HostScrub(Memory);
    }

    /// <summary>Power on: nothing is bound and no process runs.</summary>
    public void Boot()
    {
        Shutdown();
        Memory.ResetBadblocks();
        Scrub = new HostScrub(Memory);
        Machine = new Machine(
            new MachineProfile
            {
                Kernel = Layout.Profile == "linux-4.10" ? KernelProfile.Linux410 : KernelProfile.Linux61,
                HasPudPages = Layout.SupportsPud,
                PageTableLevels = Layout.PageTableLevels,
            },
            this);
    }

    /// <summary>Power off.</summary>
    public void Shutdown()
    {
        Bound.Clear();
        Mappings = new MappingNumbers();
        Notes = new ProcessNotes();
        HwPoison = new PoisonList();
        Pins = new UserPins();
        Repeats.Clear();
        Scrub.Stop();
        Machine = null;
    }

    /// <summary>DIMM states that the Api has not acknowledged.</summary>
    public IEnumerable<DimmObservation> PendingObservations() => _dimms.Values
        .Where(dimm => _acknowledged.GetValueOrDefault(dimm.Layout.DimmId) < dimm.Version)
        .Select(dimm => dimm.Observe(Store.Epoch));

    public void Acknowledge(AcknowledgedObservation observation)
    {
        if (_dimms.ContainsKey(observation.DimmId))
        {
            _acknowledged[observation.DimmId] = Math.Max(observation.Version, _acknowledged.GetValueOrDefault(observation.DimmId));
        }
    }

    /// <inheritdoc/>
    public bool TryFindPoison(PhysicalRange range, out PhysicalAddress first)
    {
        var found = Memory.FirstPoison((long)range.Start.Value, (long)range.Length.Value);
        first = new PhysicalAddress((ulong)(found ?? 0));
        return found is not null;
    }

    /// <summary>Lets the host go, under the gate; what was stored is on the disk.</summary>
    /// <exception cref="InvalidOperationException">Nobody holds the gate: a bug, as a detach without the bus's lock is one.</exception>
    public void Drop()
    {
        if (Gate.CurrentCount != 0)
        {
            throw new InvalidOperationException($"{Layout.HostName} is let go without its gate");
        }

        IsDropped = true;
        foreach (var task in LongTasks.Values)
        {
            task.Stop(null);
        }

        Shutdown();
        try
        {
            IOException? failed = null;
            foreach (var dimm in _dimms.Values.Where(dimm => !dimm.IsLost))
            {
                failed = TryFlush(dimm) ?? failed;
            }

            if (failed is not null)
            {
                throw failed;
            }
        }
        finally
        {
            Dispose();
        }
    }

    private static IOException? TryFlush(DimmMedia dimm)
    {
        try
        {
            dimm.Flush();
            return null;
        }
        catch (IOException failure)
        {
            return failure;
        }
    }

    public void Dispose()
    {
        foreach (var dimm in _dimms.Values)
        {
            dimm.Dispose();
        }

        // the gate is not: a request that waits at it finds the host dropped
    }
}
