namespace PmemFleet.DeviceDax.Devices;

/// <summary>The steps of taking a dax device away, in the only order that is right (spec 50 section 9, seed rows 61 and 62).</summary>
public enum RevocationStep
{
    /// <summary>The device is marked dead: new mappings and faults are refused.</summary>
    MarkedDead,

    /// <summary>Every fault and mmap that had begun is done.</summary>
    ReadersDrained,

    /// <summary>All mappings of the inode lost their entries.</summary>
    Unmapped,

    /// <summary>The character device is gone: open gives ENXIO.</summary>
    CdevDeleted,

    /// <summary>The page map's reference was killed; pins may still hold it.</summary>
    ReferenceKilled,

    /// <summary>The last pin was put, then the reference was freed.</summary>
    ReferenceExited,

    /// <summary>Page map and memory region are free.</summary>
    RangeReleased,
}

/// <summary>A disable that has begun. It completes once no page is pinned.</summary>
public sealed class Revocation
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<RevocationStep> _steps = [];

    /// <summary>Completes with the last step; never faults.</summary>
    public Task Completion => _done.Task;

    /// <summary>True once the range is released.</summary>
    public bool IsComplete => _done.Task.IsCompleted;

    /// <summary>The steps done so far, in order.</summary>
    public IReadOnlyList<RevocationStep> Steps
    {
        get
        {
            lock (_steps)
            {
                return [.. _steps];
            }
        }
    }

    internal void Did(RevocationStep step)
    {
        lock (_steps)
        {
            _steps.Add(step);
        }

        if (step == RevocationStep.RangeReleased)
        {
            _done.SetResult();
        }
    }
}
