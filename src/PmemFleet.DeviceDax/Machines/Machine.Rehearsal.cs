using PmemFleet.DeviceDax.AddressSpaces;
using PmemFleet.DeviceDax.Devices;

namespace PmemFleet.DeviceDax.Machines;

public sealed partial class Machine
{
    /// <summary>
    /// Begins a rehearsal. System calls, accesses, forks and exits may follow; regions and devices are not to be added or removed. Page tables
    /// are shared with what is kept and copied where they are changed, so the cost is that of what the rehearsal touches.
    /// </summary>
    public Rehearsal Rehearse()
    {
        Process[] processes;
        DaxDevice[] devices;
        Action undo;
        lock (_gate)
        {
            (processes, devices) = ([.. _processes.Values], [.. _byNumber.Values]);
            var (nextPid, log, poisonedPages) = (_nextPid, _log.ToArray(), Interlocked.Read(ref _poisonedPages));
            undo = () => PutBack(processes, nextPid, log, poisonedPages);
        }

        // devices come back last: what processes let go is counted there
        return new Rehearsal([.. devices.Select(device => device.Remember()), .. processes.Select(process => process.Remember()), undo]);
    }

    private void PutBack(Process[] processes, int nextPid, string[] log, long poisonedPages)
    {
        lock (_gate)
        {
            _processes.Clear();
            foreach (var process in processes)
            {
                _processes.Add(process.Pid, process);
            }

            _nextPid = nextPid;
            _log.Clear();
            foreach (var line in log)
            {
                _log.Enqueue(line);
            }

            Interlocked.Exchange(ref _poisonedPages, poisonedPages);
        }
    }
}
