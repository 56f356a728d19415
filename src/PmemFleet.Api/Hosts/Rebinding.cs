using PmemFleet.Nvdimm.Model;

namespace PmemFleet.Api.Hosts;

/// <summary>A bus whose host lost its worker while changes were waiting: what was bound is unbound, and is to be bound again by its info blocks.</summary>
public static class Rebinding
{
    /// <param name="snapshot">The bus before.</param>
    /// <param name="awaited">Namespaces that a waiting task binds.</param>
    /// <param name="names">The namespaces to bind.</param>
    public static BusSnapshot Prepare(BusSnapshot snapshot, IReadOnlySet<string> awaited, out IReadOnlyList<string> names)
    {
        var toBind = new List<string>();
        var regions = snapshot.Regions.Select(region =>
        {
            var mine = region.Namespaces
                .Where(device => device.State != NamespaceState.Disabled && !awaited.Contains(NameOf(region, device)))
                .Select(device => device.Id).ToHashSet();
            toBind.AddRange(region.Namespaces.Where(device => mine.Contains(device.Id)).Select(device => NameOf(region, device)));
            return region with
            {
                Namespaces =
                [
                    .. region.Namespaces.Select(device => mine.Contains(device.Id) ? device with { State = NamespaceState.Disabled, Pending = null } : device),
                ],

                // the bind finds the personality on the media again
                Personalities =
                [
                    .. region.Personalities.Where(personality => personality.Namespace is not { } id || !mine.Contains(id)),
                ],
            };
        });
        var prepared = snapshot with { Regions = [.. regions] };
        names = toBind;
        return prepared;
    }

    private static string NameOf(RegionSnapshot region, NamespaceSnapshot device) => $"namespace{region.Id}.{device.Id}";
}
