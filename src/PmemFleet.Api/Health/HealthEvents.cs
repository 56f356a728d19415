using PmemFleet.Api.Events;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts.Health;

namespace PmemFleet.Api.Health;

/// <summary>A DIMM's health notifications: when an alarm trips, the health gets worse, or a shutdown was dirty (spec 60 section 10).</summary>
public static class HealthEvents
{
    private static readonly string[] Worse = ["ok", "non-critical", "critical", "fatal"];

    public static void Append(FleetDbContext db, string host, string dimm, DimmHealthDto? before, DimmHealthDto? now, DateTimeOffset at)
    {
        foreach (var type in Crossed(before, now))
        {
            db.AppendEvent(type, "system", at, host, dimm, HealthJson.Write(now));
        }
    }

    /// <summary>What has happened between two reports; the first report of a healthy DIMM is nothing.</summary>
    public static IEnumerable<string> Crossed(DimmHealthDto? before, DimmHealthDto? now)
    {
        if (now is null)
        {
            yield break;
        }

        if (now.AlarmSpares && before?.AlarmSpares != true)
        {
            yield return "dimm.alarm-spares";
        }

        if (now.AlarmTemperature && before?.AlarmTemperature != true)
        {
            yield return "dimm.alarm-temperature";
        }

        if (now.AlarmControllerTemperature && before?.AlarmControllerTemperature != true)
        {
            yield return "dimm.alarm-controller-temperature";
        }

        var (former, current) = (Array.IndexOf(Worse, before?.HealthState ?? "ok"), Array.IndexOf(Worse, now.HealthState));
        if (current != former)
        {
            yield return current > former ? "dimm.health-degraded" : "dimm.health-restored";
        }

        if (now.ShutdownCount > (before?.ShutdownCount ?? 0))
        {
            yield return "dimm.unsafe-shutdown";
        }
    }
}
