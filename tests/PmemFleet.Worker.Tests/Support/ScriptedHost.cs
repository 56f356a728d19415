using PmemFleet.Contracts.Sync;

namespace PmemFleet.Worker.Tests.Support;

/// <summary>A host as the Api's rows have it: who holds it under which epoch, its queue, and what was seen of its DIMMs.</summary>
public sealed class ScriptedHost(Guid id, HostLayout layout, string worker)
{
    private readonly List<QueuedTask> _tasks = [];
    private readonly Dictionary<Guid, DimmObservation> _seen = [];
    private long _sequence;

    public Guid Id => id;

    public HostLayout Layout { get; private set; } = layout;

    public long Generation { get; private set; } = 1;

    public long Epoch { get; private set; } = 1;

    public string Worker { get; set; } = worker;

    /// <summary>A boot of it has counted: its media were made.</summary>
    public bool WasUp { get; private set; }

    public HashSet<Guid> Cancelled { get; } = [];

    public HashSet<Guid> Redelivered { get; } = [];

    /// <summary>The newest state of each DIMM; an older version never replaces a newer one.</summary>
    public IReadOnlyDictionary<Guid, DimmObservation> Seen => _seen;

    /// <summary>An observation whose version was not above the one before it, though it said something else.</summary>
    public string? BrokenVersion { get; private set; }

    /// <summary>Tasks whose result has not counted yet.</summary>
    public int Open => _tasks.Count(task => !task.IsDone);

    public void Replug(HostLayout layout)
    {
        Layout = layout;
        Generation++;
    }

    internal QueuedTask Enqueue(IReadOnlyList<TaskStep> steps, string kind)
    {
        var task = new QueuedTask { Id = Guid.CreateVersion7(), Sequence = ++_sequence, Kind = kind, Steps = steps };
        _tasks.Add(task);
        return task;
    }

    internal QueuedTask BeginEpoch(string worker)
    {
        Worker = worker;
        Epoch++;
        foreach (var former in _tasks.Where(task => !task.IsDone && task.Kind == "boot").ToList())
        {
            former.IsDone = true;
        }

        var boot = Enqueue([new BootStep { UnsafeShutdown = true }], "boot");
        foreach (var pending in _tasks.Where(task => !task.IsDone && task != boot).ToList())
        {
            pending.Sequence = ++_sequence;
        }

        return boot;
    }

    internal void Take(TaskResult result)
    {
        // until then it comes with every answer: one that the worker no longer waited for is lost
        Redelivered.Remove(result.TaskId);
        var task = _tasks.Find(task => task.Id == result.TaskId);
        if (task is null || task.IsDone || result.Epoch != Epoch)
        {
            return;
        }

        task.IsDone = true;
        WasUp |= task.Kind == "boot";
        Cancelled.Remove(task.Id);
        task.Completion.TrySetResult(result);
    }

    internal void Take(DimmObservation seen)
    {
        if (seen.Epoch != Epoch)
        {
            return;
        }

        var known = _seen.GetValueOrDefault(seen.DimmId);
        if (known is null || seen.Version > known.Version)
        {
            _seen[seen.DimmId] = seen;
        }
        else if (seen.Version < known.Version || State(seen) != State(known))
        {
            BrokenVersion = $"version {seen.Version} {State(seen)} after version {known.Version} {State(known)}";
        }
    }

    internal HostAssignment Assign(HeldHost? held)
    {
        var isKnown = held is not null && held.Epoch == Epoch;
        return new HostAssignment
        {
            HostId = Id,
            Epoch = Epoch,
            Generation = Generation,
            Layout = isKnown && held!.ObservedGeneration >= Generation ? null : Layout,
            Tasks = [.. _tasks.Where(task => (!task.IsDone && (!isKnown || task.Sequence > held!.AcceptedSequence)) || (isKnown && Redelivered.Contains(task.Id)))
                .OrderBy(task => task.Sequence).Select(task => new WorkerTask { TaskId = task.Id, Sequence = task.Sequence, Kind = task.Kind, Steps = task.Steps })],
        };
    }

    private static string State(DimmObservation seen) =>
        $"poison [{string.Join(',', seen.Poison)}] bad [{string.Join(',', seen.BadRanges)}] shutdowns {seen.DirtyShutdownCount} scrubs {seen.ScrubCount}";

    internal sealed class QueuedTask
    {
        public required Guid Id { get; init; }

        public required long Sequence { get; set; }

        public required string Kind { get; init; }

        public required IReadOnlyList<TaskStep> Steps { get; init; }

        public bool IsDone { get; set; }

        public TaskCompletionSource<TaskResult> Completion { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
