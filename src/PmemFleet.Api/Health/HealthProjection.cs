using PmemFleet.Api.Conventions;
using PmemFleet.Api.Dimms;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Health;

namespace PmemFleet.Api.Health;

/// <summary>The only way from a DIMM's health to the wire.</summary>
public static class HealthProjection
{
    public static DimmHealthPageDto ToDto(string host, string dimm, DimmHealthDto health) =>
        new() { Host = host, Dimm = dimm, Health = health, Ndctl = HealthJson.ToNdctl(health) };

    /// <summary>Null where there is no such DIMM; a value without health where no worker has reported it yet.</summary>
    public static async Task<(DimmRow? Row, Tagged<DimmHealthPageDto>? Page)> FindAsync(
        FleetDbContext db, string host, string dimm, CancellationToken cancellationToken)
    {
        if (await DimmProjection.FindRowAsync(db, host, dimm, cancellationToken) is not { } row)
        {
            return (null, null);
        }

        var media = (await DimmProjection.MediaOf(db, [row], cancellationToken)).GetValueOrDefault(row.Id);
        return (row, media?.Health is { } health ? new Tagged<DimmHealthPageDto>(ToDto(host, dimm, health), Etag.Of(row.Id, row.Version)) : null);
    }
}
