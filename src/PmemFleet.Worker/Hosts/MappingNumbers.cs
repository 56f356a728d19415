using PmemFleet.DeviceDax.AddressSpaces;

namespace PmemFleet.Worker.Hosts;

/// <summary>The numbers under which clients know the mappings of each process.</summary>
internal sealed class MappingNumbers
{
    private readonly Dictionary<int, SortedDictionary<int, Mapping>> _byProcess = [];
    private readonly Dictionary<int, int> _next = [];

    /// <summary>The same numbers, to go on from.</summary>
    public MappingNumbers Copy()
    {
        var copy = new MappingNumbers();
        foreach (var (pid, numbers) in _byProcess)
        {
            copy._byProcess.Add(pid, new(numbers));
        }

        foreach (var (pid, next) in _next)
        {
            copy._next.Add(pid, next);
        }

        return copy;
    }

    /// <summary>Gives a new mapping its number, from 1.</summary>
    public int Add(Process process, Mapping mapping)
    {
        var number = _next[process.Pid] = _next.GetValueOrDefault(process.Pid) + 1;
        Of(process).Add(number, mapping);
        return number;
    }

    /// <summary>The mappings of a process that are still there, by number; a forked child's get theirs on first sight.</summary>
    public IReadOnlyDictionary<int, Mapping> Of(Process process, bool refresh)
    {
        var known = Of(process);
        if (refresh)
        {
            var alive = process.Mappings.Where(mapping => mapping.Device is not null).ToList();
            foreach (var (number, _) in known.Where(pair => !alive.Contains(pair.Value)).ToList())
            {
                known.Remove(number);
            }

            foreach (var mapping in alive.Where(mapping => !known.ContainsValue(mapping)))
            {
                Add(process, mapping);
            }
        }

        return known;
    }

    private SortedDictionary<int, Mapping> Of(Process process)
    {
        if (!_byProcess.TryGetValue(process.Pid, out var known))
        {
            _byProcess[process.Pid] = known = [];
        }

        return known;
    }
}
