using System.Collections.Concurrent;
using PmemFleet.DeviceDax.AddressSpaces;
using PmemFleet.DeviceDax.Devices;
using PmemFleet.DeviceDax.PageTables;
using PmemFleet.DeviceDax.Poison;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.Machines;

/// <summary>
/// One simulated host as the fault engine sees it: its kernel and CPU, dax regions and devices, files, processes and log.
/// It keeps nothing on disk; a host that moves or loses power gets a new machine. Safe for use from any thread.
/// </summary>
public sealed partial class Machine
{
    private const int LogLines = 1024;
    private readonly Lock _gate = new();
    private readonly MinorPool _minors;
    private readonly Dictionary<DeviceNumber, DaxDevice> _byNumber = [];
    private readonly Dictionary<string, DeviceNumber> _nodes = [];
    private readonly Dictionary<string, FileNode> _files = [];
    private readonly List<DaxRegion> _regions = [];
    private readonly SortedDictionary<int, Process> _processes = [];
    private readonly ConcurrentQueue<string> _log = new();
    private long _nextInode = 1;
    private int _nextPid = 100;

    /// <summary>A machine without devices or processes.</summary>
    /// <param name="profile">What its CPU and kernel can do; Linux 6.1 when null.</param>
    /// <param name="poison">Where its media is poisoned; nowhere when null.</param>
    public Machine(MachineProfile? profile = null, IPoisonSource? poison = null)
    {
        Profile = profile ?? MachineProfile.Default;
        PoisonSource = poison;
        _minors = new MinorPool(Profile.DaxMinors);
    }

    /// <summary>What the CPU and kernel can do.</summary>
    public MachineProfile Profile { get; }

    /// <summary>The newest lines of the kernel log, oldest first; not rate limited.</summary>
    public IReadOnlyList<string> KernelLog => [.. _log];

    /// <summary>The dax regions by id.</summary>
    public IReadOnlyList<DaxRegion> Regions
    {
        get
        {
            lock (_gate)
            {
                return [.. _regions.OrderBy(r => r.Id).ThenBy(r => r.Range.Start.Value)];
            }
        }
    }

    /// <summary>The processes by pid.</summary>
    public IReadOnlyList<Process> Processes
    {
        get
        {
            lock (_gate)
            {
                return [.. _processes.Values];
            }
        }
    }

    internal IPoisonSource? PoisonSource { get; }

    internal PopulatedRuns Runs { get; } = new();

    /// <summary>
    /// Adds a dax region. Refused with ENOMEM when start or length isn't a multiple of the align (spec 50 section 1, seed
    /// row 69), EBUSY when another region has a byte of it. Several may share an id: each devdax namespace of a region gives one.
    /// </summary>
    public Outcome<DaxRegion> AddRegion(DaxRegionSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        var align = spec.Granule.Bytes();
        if (!PageGranules.IsAligned(spec.Range.Start.Value | spec.Range.Length.Value, align) || spec.Range.Length.Value == 0)
        {
            return new Refusal(Errno.ENOMEM, "dax-region-misaligned", "A dax region starts and ends on a multiple of its align.")
                .WithAddress("start", spec.Range.Start.Value).With("length", spec.Range.Length.Value).With("align", align)
                .AllowingBytes(spec.Range.Length.Value, align, align);
        }

        lock (_gate)
        {
            if (_regions.Any(r => r.Range.Overlaps(spec.Range)))
            {
                return new Refusal(Errno.EBUSY, "range-busy", "Another dax region has a part of this range.")
                {
                    KernelMessage = $"dax_pmem dax{spec.Id}.0: could not reserve region {spec.Range}",
                };
            }

            var region = new DaxRegion(this, spec);
            _regions.Add(region);
            return region;
        }
    }

    /// <summary>
    /// Removes a region: every device is disabled and its node goes. The result completes when the last pin is put.
    /// </summary>
    public async Task RemoveRegionAsync(DaxRegion region)
    {
        ArgumentNullException.ThrowIfNull(region);
        foreach (var device in region.Devices)
        {
            RemoveNode(device);
            await device.Disable().Completion.ConfigureAwait(false);
        }

        lock (_gate)
        {
            _regions.Remove(region);
        }
    }

    /// <summary>The live or dying device of a name, such as <c>dax0.0</c>; the newest life of it.</summary>
    public DaxDevice? FindDevice(string name)
    {
        lock (_gate)
        {
            return _nodes.TryGetValue($"/dev/{name}", out var number) ? _byNumber.GetValueOrDefault(number) : null;
        }
    }

    /// <summary>Makes another node of a device, as mknod does (seed row 70).</summary>
    public void MakeNode(string path, DeviceNumber number)
    {
        lock (_gate)
        {
            _nodes[path] = number;
        }
    }

    /// <summary>Takes a device's own node away, as the removal of the device does; other nodes of it stay and give ENXIO.</summary>
    public void RemoveNode(DaxDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        lock (_gate)
        {
            _nodes.Remove(device.Path);
        }
    }

    /// <summary>A file on a DAX filesystem.</summary>
    public FsDaxFile AddFile(string path, ByteCount length, IEnumerable<FileExtent> extents, IEnumerable<PhysicalRange>? badBlocks = null)
    {
        lock (_gate)
        {
            var file = new FsDaxFile(path, length, [.. extents], _nextInode++) { BadBlocks = [.. badBlocks ?? []] };
            _files[path] = file;
            return file;
        }
    }

    /// <summary>A file without DAX.</summary>
    public PlainFile AddPlainFile(string path, ByteCount length)
    {
        lock (_gate)
        {
            var file = new PlainFile(path, length, _nextInode++);
            _files[path] = file;
            return file;
        }
    }

    /// <summary>A new process.</summary>
    /// <param name="comm">Its command name, at most 15 characters as in Linux.</param>
    /// <param name="image">What it has mapped from its start.</param>
    /// <param name="layout">Its address space; the profile's when null.</param>
    public Process StartProcess(string comm, ProcessImage image = ProcessImage.Static, AddressSpaceLayout? layout = null)
    {
        ArgumentNullException.ThrowIfNull(comm);
        lock (_gate)
        {
            var process = new Process(this, _nextPid++, comm.Length > 15 ? comm[..15] : comm, layout ?? Profile.Layout, image);
            _processes.Add(process.Pid, process);
            return process;
        }
    }

    /// <summary>The process of a pid, or null.</summary>
    public Process? FindProcess(int pid)
    {
        lock (_gate)
        {
            return _processes.GetValueOrDefault(pid);
        }
    }

    internal int TakePid(Func<int, Process> make)
    {
        lock (_gate)
        {
            var process = make(_nextPid++);
            _processes.Add(process.Pid, process);
            return process.Pid;
        }
    }

    internal void Exited(Process process)
    {
        lock (_gate)
        {
            _processes.Remove(process.Pid);
        }
    }

    internal Outcome<FileNode> Resolve(string path)
    {
        lock (_gate)
        {
            if (_files.TryGetValue(path, out var file))
            {
                return file;
            }

            if (!_nodes.TryGetValue(path, out var number))
            {
                return new Refusal(Errno.ENODEV, "no-such-node", $"There is no node {path}: the device is gone.").About("path");
            }

            return _byNumber.TryGetValue(number, out var device) ? device : NoCdev(path);
        }
    }

    internal static Refusal NoCdev(string path) =>
        new Refusal(Errno.ENXIO, "cdev-deleted", $"No driver serves {path}: its device is disabled.").About("path");

    internal Outcome<DaxDevice> Register(Func<DeviceNumber, long, DaxDevice> make)
    {
        lock (_gate)
        {
            // The number exists before the inode is looked up, so that two devices never share an inode (seed row 64).
            if (_minors.Take() is not { } minor)
            {
                return new Refusal(Errno.ENOSPC, "no-minor", "All minors of the dax class are taken.");
            }

            var number = new DeviceNumber(MinorPool.DaxMajor, minor);
            var device = make(number, _nextInode++);
            _byNumber[number] = device;
            _nodes[device.Path] = number;
            return device;
        }
    }

    internal void ReturnNumber(DeviceNumber number)
    {
        lock (_gate)
        {
            _byNumber.Remove(number);
            _minors.Return(number.Minor);
        }
    }

    internal void Log(string line)
    {
        _log.Enqueue(line);
        while (_log.Count > LogLines && _log.TryDequeue(out _))
        {
        }
    }
}
