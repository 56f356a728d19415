using System.Collections.Immutable;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.Devices;

/// <summary>Pages held by get_user_pages, as a driver doing DMA or KVM would. Disabling the device waits for the last one.</summary>
public sealed class GupPin : IDisposable
{
    private readonly Dictionary<DaxDevice, long> _devices;
    private int _isPut;

    internal GupPin(ImmutableArray<PhysicalAddress> pages, Dictionary<DaxDevice, long> devices)
    {
        Pages = pages;
        _devices = devices;
        foreach (var (device, count) in devices)
        {
            device.Pinned(count);
        }
    }

    /// <summary>The 4 KiB pages in address order.</summary>
    public ImmutableArray<PhysicalAddress> Pages { get; }

    /// <summary>Puts the pages. Doing it twice does nothing.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isPut, 1) == 0)
        {
            foreach (var (device, count) in _devices)
            {
                device.Unpinned(count);
            }
        }
    }
}
