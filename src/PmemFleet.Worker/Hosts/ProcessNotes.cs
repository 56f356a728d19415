using PmemFleet.Contracts.Processes;

namespace PmemFleet.Worker.Hosts;

/// <summary>
/// What a client may ask about a process more than once, though the engine tells it once: its parent, and the last signal it got. The
/// simulated program handles its signals and lives on.
/// </summary>
internal sealed class ProcessNotes
{
    private readonly Dictionary<int, int> _parents;
    private readonly Dictionary<int, SignalDto> _signals;

    public ProcessNotes()
        : this([], [])
    {
    }

    private ProcessNotes(Dictionary<int, int> parents, Dictionary<int, SignalDto> signals) => (_parents, _signals) = (parents, signals);

    public ProcessNotes Copy() => new(new(_parents), new(_signals));

    public void Forked(int child, int parent) => _parents[child] = parent;

    public int? ParentOf(int pid) => _parents.TryGetValue(pid, out var parent) ? parent : null;

    public void Signalled(int pid, SignalDto signal) => _signals[pid] = signal;

    public SignalDto? SignalOf(int pid) => _signals.GetValueOrDefault(pid);

    public void Exited(int pid)
    {
        _parents.Remove(pid);
        _signals.Remove(pid);
    }
}
