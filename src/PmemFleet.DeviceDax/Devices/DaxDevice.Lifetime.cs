using PmemFleet.DeviceDax.AddressSpaces;

namespace PmemFleet.DeviceDax.Devices;

public sealed partial class DaxDevice
{
    /// <summary>The disable that has begun, if one has.</summary>
    public Revocation? Revocation
    {
        get
        {
            lock (_gate)
            {
                return _revocation;
            }
        }
    }

    /// <summary>
    /// Takes the device away. On return it is dead, no mapping has an entry left and none will get one; the range is
    /// released at once, or with the last pin: await <see cref="Revocation.Completion"/>. A second call gives the first's.
    /// </summary>
    public Revocation Disable()
    {
        Revocation revocation;
        Process[] mappers;
        lock (_gate)
        {
            if (_revocation is not null)
            {
                return _revocation;
            }

            _revocation = revocation = new Revocation();
            _isAlive = false;
            revocation.Did(RevocationStep.MarkedDead);
            mappers = [.. _mappers.Keys];
        }

        // Faults and mmaps run under their process's gate, and look at IsAlive inside it: having held every gate once,
        // none that saw the device alive is still running.
        foreach (var process in mappers)
        {
            process.WaitForFaults();
        }

        revocation.Did(RevocationStep.ReadersDrained);
        foreach (var process in mappers)
        {
            process.ZapAll(this);
        }

        lock (_gate)
        {
            revocation.Did(RevocationStep.Unmapped);
            revocation.Did(RevocationStep.CdevDeleted);
            revocation.Did(RevocationStep.ReferenceKilled);
            FinishIfUnpinned();
        }

        return revocation;
    }

    /// <summary>
    /// What puts the device's users back. Until then it outlives its last file, mapping and pin: a release gives the number and the range
    /// away, which could not be undone.
    /// </summary>
    internal Action Remember()
    {
        lock (_gate)
        {
            var (mappers, dirty) = (_mappers.ToArray(), _dirtyGranules.ToArray());
            var counts = (_openFiles, _mappings, _pins);
            _isRehearsed = true;
            return () =>
            {
                lock (_gate)
                {
                    (_openFiles, _mappings, _pins) = counts;
                    _mappers.Clear();
                    foreach (var (process, count) in mappers)
                    {
                        _mappers.Add(process, count);
                    }

                    _dirtyGranules.Clear();
                    _dirtyGranules.UnionWith(dirty);
                    _isRehearsed = false;
                }
            };
        }
    }

    internal IReadOnlyList<Process> Mappers()
    {
        lock (_gate)
        {
            return [.. _mappers.Keys.OrderBy(p => p.Pid)];
        }
    }

    /// <summary>Counts one more open file; false once the cdev is gone. While an open file keeps it, open still works (golden unbind.jsonl).</summary>
    internal bool TryOpen()
    {
        lock (_gate)
        {
            if (!_isAlive && _openFiles == 0)
            {
                return false;
            }

            _openFiles++;
            return true;
        }
    }

    internal void Closed()
    {
        lock (_gate)
        {
            _openFiles--;
            ReleaseIfUnused();
        }
    }

    internal void Mapped(Process process)
    {
        lock (_gate)
        {
            _mappings++;
            _mappers[process] = _mappers.GetValueOrDefault(process) + 1;
        }
    }

    internal void Unmapped(Process process)
    {
        lock (_gate)
        {
            _mappings--;
            if (--_mappers[process] == 0)
            {
                _mappers.Remove(process);
            }

            ReleaseIfUnused();
        }
    }

    internal void Pinned(long pages)
    {
        lock (_gate)
        {
            _pins += pages;
        }
    }

    internal void Unpinned(long pages)
    {
        lock (_gate)
        {
            _pins -= pages;
            FinishIfUnpinned();
        }
    }

    private void FinishIfUnpinned()
    {
        if (_isRehearsed || _pins > 0 || _revocation is not { IsComplete: false } revocation || !revocation.Steps.Contains(RevocationStep.ReferenceKilled))
        {
            return;
        }

        revocation.Did(RevocationStep.ReferenceExited);
        Region.Release(this);
        revocation.Did(RevocationStep.RangeReleased);
        _isHeldBySystem = false;
        ReleaseIfUnused();
    }

    private void ReleaseIfUnused()
    {
        if (_isRehearsed || _isHeldBySystem || _openFiles > 0 || _mappings > 0 || ReleaseCount > 0)
        {
            return;
        }

        ReleaseCount++;
        Machine.ReturnNumber(Number);
    }
}
