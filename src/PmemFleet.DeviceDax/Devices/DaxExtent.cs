using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.Devices;

/// <summary>One physical range of a dax device, <c>mappingN</c> in sysfs (spec 50 section 2).</summary>
/// <param name="PageOffset">Offset of its first byte in the device, in units of 4 KiB.</param>
/// <param name="Range">The bytes behind it.</param>
public readonly record struct DaxExtent(ulong PageOffset, PhysicalRange Range);

/// <summary>A character device's number.</summary>
/// <param name="Major">Dynamic major; 252 for dax.</param>
/// <param name="Minor">From a pool of 1048576.</param>
public readonly record struct DeviceNumber(int Major, int Minor);

/// <summary>The minors of the dax class: the lowest free one of 0..1048575 (spec 50 section 2, seed row 71).</summary>
internal sealed class MinorPool(int count)
{
    public const int DaxMajor = 252;
    private readonly SortedSet<int> _returned = [];
    private int _next;

    public int? Take()
    {
        if (_returned.Count > 0)
        {
            var minor = _returned.Min;
            _returned.Remove(minor);
            return minor;
        }

        return _next < count ? _next++ : null;
    }

    public void Return(int minor) => _returned.Add(minor);
}
