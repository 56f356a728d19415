using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using PmemFleet.Api.Conventions;
using PmemFleet.Api.Persistence;

namespace PmemFleet.Api.Hosts;

/// <summary>The hosts that a list is about: one by name, or those whose labels match.</summary>
public static class HostSelection
{
    public static IQueryable<HostRow> Select(FleetDbContext db, string? host, LabelSelector? selector)
    {
        var hosts = selector is null ? db.Hosts.AsNoTracking() : ByLabels(db, selector).AsNoTracking();
        return host is null ? hosts : hosts.Where(row => row.Name == host);
    }

    private static IQueryable<HostRow> ByLabels(FleetDbContext db, LabelSelector selector)
    {
        var parameters = new List<object>();
        var conditions = selector.Requirements.Select(requirement => requirement.Operator switch
        {
            LabelOperator.Exists => $"jsonb_exists(labels, {Parameter(requirement.Key)})",
            LabelOperator.DoesNotExist => $"NOT jsonb_exists(labels, {Parameter(requirement.Key)})",
            LabelOperator.In => $"labels @> ANY ({Parameter(Objects(requirement))}::jsonb[])",
            _ => $"NOT labels @> ANY ({Parameter(Objects(requirement))}::jsonb[])",
        });

#pragma warning disable EF1002 // the text is made of constants; keys and values are parameters
        return db.Hosts.FromSqlRaw($"SELECT * FROM hosts WHERE {string.Join(" AND ", conditions)}", [.. parameters]);
#pragma warning restore EF1002

        string Parameter(object value)
        {
            parameters.Add(value);
            return $"{{{parameters.Count - 1}}}";
        }
    }

    private static string[] Objects(LabelRequirement requirement) =>
        [.. requirement.Values.Select(value => JsonSerializer.Serialize(new Dictionary<string, string> { [requirement.Key] = value }, JsonSerializerOptions.Default))];
}
