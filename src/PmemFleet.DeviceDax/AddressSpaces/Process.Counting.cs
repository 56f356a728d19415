using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.AddressSpaces;

public sealed partial class Process
{
    /// <summary>Pages of a mapping's own granule that are present.</summary>
    /// <param name="mapping">A mapping of a dax device.</param>
    public long PresentPages(Mapping mapping)
    {
        ArgumentNullException.ThrowIfNull(mapping);
        lock (_gate)
        {
            return mapping.Device?.Granule switch
            {
                PageGranule.Pud => Memory.Table.CountPudPages(mapping.StartValue, mapping.EndValue),
                PageGranule.Pmd => Memory.Table.CountPmdPages(mapping.StartValue, mapping.EndValue).Present,
                _ => Memory.Table.CountPtePages(mapping.StartValue, mapping.EndValue),
            };
        }
    }
}
