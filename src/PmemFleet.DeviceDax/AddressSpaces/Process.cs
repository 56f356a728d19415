using PmemFleet.DeviceDax.Devices;
using PmemFleet.DeviceDax.Faults;
using PmemFleet.DeviceDax.Files;
using PmemFleet.DeviceDax.Machines;
using PmemFleet.DeviceDax.PageTables;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.AddressSpaces;

/// <summary>What a process has mapped before it does anything.</summary>
public enum ProcessImage
{
    /// <summary>A static program: text, heap and stack, with the seven page-table pages the recorded one had.</summary>
    Static,

    /// <summary>Nothing at all; for sizing.</summary>
    None,
}

/// <summary>
/// A simulated process: descriptors, address space, page table, counters. Each call is one system call or one access and is
/// atomic; calls on one process are serial, calls on different processes run in parallel.
/// </summary>
public sealed partial class Process
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<int, OpenFile> _descriptors = [];
    private readonly FaultCounters _counters = new();
    private readonly Queue<SignalInfo> _signals = new();
    private long _faultId;
    private bool _hasExited;

    internal Process(Machine machine, int pid, string comm, AddressSpaceLayout layout, ProcessImage image)
    {
        (Machine, Pid, Comm) = (machine, pid, comm);
        Memory = new(this, layout, new PageTable(machine.Profile.PageTableLevels, machine.Runs));
        if (image == ProcessImage.Static)
        {
            AddImage(layout);
        }
    }

    /// <summary>Its pid, unique within the machine.</summary>
    public int Pid { get; }

    /// <summary>Its command name, as kernel messages show it.</summary>
    public string Comm { get; }

    /// <summary>True after <see cref="Exit"/>; every call is then refused with ESRCH or ends in SIGSEGV.</summary>
    public bool HasExited => Volatile.Read(ref _hasExited);

    /// <summary>Its mappings, in address order. A copy; the mappings themselves go on changing.</summary>
    public IReadOnlyList<Mapping> Mappings
    {
        get
        {
            lock (_gate)
            {
                return [.. Memory.Mappings];
            }
        }
    }

    /// <summary>Page-table pages by level.</summary>
    public PageTableCensus PageTables
    {
        get
        {
            lock (_gate)
            {
                return Memory.Table.Census();
            }
        }
    }

    /// <summary>Faults since its start, by granularity and outcome.</summary>
    public FaultCounts Faults
    {
        get
        {
            lock (_gate)
            {
                return _counters.Read();
            }
        }
    }

    /// <summary>Page-table pages the process may have: one more is out of memory. No limit by default.</summary>
    public long PageTableLimit
    {
        get
        {
            lock (_gate)
            {
                return Memory.Table.TableLimit;
            }
        }

        set
        {
            lock (_gate)
            {
                Memory.Table.TableLimit = value;
            }
        }
    }

    internal Machine Machine { get; }

    internal AddressSpace Memory { get; }

    internal Lock Gate => _gate;

    internal FaultCounters Counters => _counters;

    /// <summary>Signals other than those an access answered with, such as BUS_MCEERR_AO; taken out in order.</summary>
    public IReadOnlyList<SignalInfo> TakeSignals()
    {
        lock (_gate)
        {
            SignalInfo[] taken = [.. _signals];
            _signals.Clear();
            return taken;
        }
    }

    /// <summary>
    /// fork: the child shares the open files and has the mappings without VM_DONTCOPY, but none of their entries: it faults
    /// for itself (golden special.jsonl, fork_child).
    /// </summary>
    public Outcome<Process> Fork()
    {
        lock (_gate)
        {
            if (_hasExited)
            {
                return Gone();
            }

            Process? child = null;
            Machine.TakePid(pid => child = new(Machine, pid, Comm, Memory.Layout, ProcessImage.None));
            child!.CopyFrom(this);
            return child;
        }
    }

    /// <summary>Ends the process: mappings and descriptors go.</summary>
    public void Exit()
    {
        lock (_gate)
        {
            if (_hasExited)
            {
                return;
            }

            Volatile.Write(ref _hasExited, true);
            Memory.Drop(0, ulong.MaxValue);
            foreach (var file in _descriptors.Values)
            {
                file.Put();
            }

            _descriptors.Clear();
        }

        Machine.Exited(this);
    }

    internal void WaitForFaults()
    {
        lock (_gate)
        {
        }
    }

    internal void ZapAll(DaxDevice device)
    {
        lock (_gate)
        {
            foreach (var mapping in Memory.Mappings)
            {
                if (ReferenceEquals(mapping.Device, device))
                {
                    Memory.Table.Zap(mapping.StartValue, mapping.EndValue);
                }
            }
        }
    }

    internal void Raise(SignalInfo signal)
    {
        lock (_gate)
        {
            _signals.Enqueue(signal);
        }
    }

    private static Refusal Gone() => new(Errno.ESRCH, "process-exited", "The process has exited.");

    private void CopyFrom(Process parent)
    {
        lock (_gate)
        {
            foreach (var (fd, file) in parent._descriptors)
            {
                file.Hold();
                _descriptors.Add(fd, file);
            }

            foreach (var mapping in parent.Memory.Mappings)
            {
                if ((mapping.Flags & VmFlags.DontCopy) != 0)
                {
                    continue;
                }

                Memory.Insert(new(mapping.StartValue, mapping.EndValue, mapping.Flags, mapping.File, mapping.PageOffset));
                if (mapping.File is null)
                {
                    CopyImageEntries(parent, mapping);
                }
            }
        }
    }

    private void CopyImageEntries(Process parent, Mapping mapping)
    {
        for (var page = mapping.StartValue; page < mapping.EndValue; page += PageGranules.PageBytes)
        {
            if (parent.Memory.Table.IsPresent(page, out _))
            {
                Memory.Table.Populate(page, page + PageGranules.PageBytes, PageGranule.Pte, false);
            }
        }
    }

    private void AddImage(AddressSpaceLayout layout)
    {
        const VmFlags May = VmFlags.MayRead | VmFlags.MayWrite | VmFlags.MayExec | VmFlags.SoftDirty;
        AddSegment(layout.ProgramStart, 0xd_0000, VmFlags.Read | VmFlags.Exec | May);
        AddSegment(layout.ProgramStart + 0x80_0000, 0x2_2000, VmFlags.Read | VmFlags.Write | May);
        AddSegment(layout.StackTop - 0x2_1000, 0x2_1000, VmFlags.Read | VmFlags.Write | VmFlags.GrowsDown | May);
    }

    private void AddSegment(ulong start, ulong length, VmFlags flags)
    {
        Memory.Insert(new(start, start + length, flags, null, 0));
        Memory.Table.Populate(start, start + length, PageGranule.Pte, false);
    }
}
