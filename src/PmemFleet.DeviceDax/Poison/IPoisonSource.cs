using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.Poison;

/// <summary>Where the media is poisoned: the one seam between the fault engine and whoever keeps the media. Called on loads; must not call back.</summary>
public interface IPoisonSource
{
    /// <summary>The first poisoned byte of a physical range.</summary>
    /// <param name="range">Bytes about to be loaded, within one page.</param>
    /// <param name="first">The address of the first poisoned byte.</param>
    /// <returns>False when the whole range is good.</returns>
    bool TryFindPoison(PhysicalRange range, out PhysicalAddress first);
}
