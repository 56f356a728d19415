using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Namespaces;

namespace PmemFleet.Lab.Demo;

/// <summary>The report as one JSON document; each part is the API's own JSON.</summary>
internal static class TourJson
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>The document: <c>ok</c>, <c>failure</c>, <c>seconds</c> and one member for each figure.</summary>
    public static string Serialize(TourReport report, string? failure, TimeSpan elapsed)
    {
        var json = FleetJsonContext.Default;
        var document = new JsonObject
        {
            ["ok"] = failure is null,
            ["failure"] = failure,
            ["seconds"] = Math.Round(elapsed.TotalSeconds, 3),
            ["host"] = Node(report.Host, json.HostDto),
            ["dimms"] = Nodes(report.Dimms, json.DimmDto),
            ["regions"] = Nodes(report.Regions, json.RegionDto),
            ["namespaces"] = Nodes(report.Namespaces, json.NamespaceDto),
            ["daxDevice"] = Node(report.DaxDevice, json.DaxDeviceDto),
            ["mapping"] = Node(report.Mapping, json.MappingDto),
            ["pageTablesBefore"] = Node(report.PageTablesBefore, json.PageTablesDto),
            ["firstTouch"] = Node(report.FirstTouch, json.AccessDto),
            ["pageTables"] = Node(report.PageTables, json.PageTablesDto),
            ["privateMapping"] = Node(report.PrivateMapping, json.ProblemDto),
            ["poisonedLoad"] = Node(report.PoisonedLoad, json.AccessDto),
            ["badblocksFound"] = Nodes(report.BadblocksFound, json.BadblockDto),
            ["clearingWrite"] = Node(report.ClearingWrite, json.DataWrittenDto),
            ["badblocksAfterWrite"] = Nodes(report.BadblocksAfterWrite, json.BadblockDto),
            ["ndctlList"] = report.NdctlList?.DeepClone(),
            ["imported"] = Nodes<NamespaceDto>(report.Imported, json.NamespaceDto),
            ["hostAfterPowerCycle"] = Node(report.HostAfterPowerCycle, json.HostDto),
            ["ndctlListAfterPowerCycle"] = report.NdctlListAfterPowerCycle?.DeepClone(),
            ["check"] = Node(report.Check, json.HostCheckDto),
        };
        return document.ToJsonString(Indented);
    }

    private static JsonNode? Node<T>(T? value, JsonTypeInfo<T> type)
        where T : class => value is null ? null : JsonSerializer.SerializeToNode(value, type);

    private static JsonArray? Nodes<T>(IReadOnlyList<T>? values, JsonTypeInfo<T> type)
        where T : class => values is null ? null : new JsonArray([.. values.Select(value => Node(value, type))]);
}
