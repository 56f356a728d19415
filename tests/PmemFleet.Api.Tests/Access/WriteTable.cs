namespace PmemFleet.Api.Tests.Access;

/// <summary>A write that goes well when it comes to its turn.</summary>
/// <param name="Method">The method.</param>
/// <param name="Template">The path as the document has it.</param>
/// <param name="Path">The path; names in braces are what an answer before gave (<see cref="Keep"/>).</param>
/// <param name="Json">The body; null for none, or for <see cref="Bytes"/>.</param>
public sealed record WriteRow(string Method, string Template, string Path, string? Json = "{}")
{
    /// <summary>A body of so many zeroes.</summary>
    public int? Bytes { get; init; }

    /// <summary>The member of the answer that later paths name, and the name.</summary>
    public (string Member, string Name)? Keep { get; init; }

    /// <summary>The host boots afterwards and is waited for.</summary>
    public bool Boots { get; init; }

    /// <summary>The operation that ends afterwards, and is waited for: its end is an event of its caller too.</summary>
    public string? Ends { get; init; }

    /// <summary>The answer is not waited for.</summary>
    public bool Async { get; init; }

    /// <summary>Where the resource that the answer shows is read; names in braces as in the path.</summary>
    public string? Read { get; init; }

    /// <summary>It never goes well: the errno.</summary>
    public string? Errno { get; init; }
}

/// <summary>Every write of the document, in an order in which each goes well: a new one fails the tests until it has a row.</summary>
public static class WriteTable
{
    private const string H = "/v1/hosts/{host}";
    private const string A = "/v1/hosts/audit";
    private const string Long = """{"machine":{"devices":[{"size":"1G"}]},"mappings":[{"device":"dax0.0","length":"64M"}],"phases":[{"accesses":90000000000}]}""";

    /// <summary>What computes and changes nothing, though it is a POST.</summary>
    public static readonly IReadOnlySet<string> NoWrites = new HashSet<string> { "POST /v1/planner/page-tables" };

    /// <summary>What answers with something that has no version: a list, or what was found or done once and is not kept.</summary>
    public static readonly IReadOnlySet<string> Unversioned = new HashSet<string>
    {
        $"POST {H}/media-errors", $"POST {H}/media-errors/uninject", $"POST {H}/media-errors/clear", $"POST {H}/namespaces/{{namespace}}/check",
    };

    public static readonly IReadOnlyList<WriteRow> All =
    [
        new("POST", "/v1/api-keys", "/v1/api-keys", """{"name":"short-lived","role":"viewer"}""") { Keep = ("id", "key") },
        new("DELETE", "/v1/api-keys/{id}", "/v1/api-keys/{key}", null),
        new("POST", "/v1/hosts", "/v1/hosts", """{"name":"audit","dimms":[{"capacity":"1G"},{"capacity":"64M"},{"capacity":"16M"}],"regions":[{"dimms":["nmem0"]}]}""") { Boots = true },
        new("PATCH", H, A, """{"labels":{"set":"audit"}}"""),
        new("POST", $"{H}/dimms", $"{A}/dimms", """{"capacity":"64M"}"""),
        new("DELETE", $"{H}/dimms/{{dimm}}", $"{A}/dimms/nmem3", null),
        new("POST", $"{H}/regions", $"{A}/regions", """{"dimms":["nmem1"]}"""),
        new("PATCH", $"{H}/regions/{{region}}", $"{A}/regions/region1", """{"align":"2M"}"""),
        new("POST", $"{H}/regions/{{region}}/disable", $"{A}/regions/region1/disable"),
        new("DELETE", $"{H}/regions/{{region}}", $"{A}/regions/region1", null),
        new("POST", $"{H}/regions/{{region}}/disable", $"{A}/regions/region0/disable"),
        new("POST", $"{H}/dimms/{{dimm}}/labels/zero", $"{A}/dimms/nmem0/labels/zero"),
        new("PUT", $"{H}/dimms/{{dimm}}/label-area", $"{A}/dimms/nmem0/label-area", null) { Bytes = 128 << 10 },
        new("POST", $"{H}/dimms/{{dimm}}/labels/init", $"{A}/dimms/nmem0/labels/init"),
        new("POST", $"{H}/dimms/{{dimm}}/disable", $"{A}/dimms/nmem0/disable"),
        new("POST", $"{H}/dimms/{{dimm}}/enable", $"{A}/dimms/nmem0/enable"),
        new("POST", $"{H}/regions/{{region}}/enable", $"{A}/regions/region0/enable"),
        new("PUT", $"{H}/dimms/{{dimm}}/image", $"{A}/dimms/nmem2/image", null) { Bytes = (16 << 20) + (128 << 10) },
        new("POST", $"{H}/namespaces", $"{A}/namespaces", """{"mode":"devdax","size":"512M","align":"2M"}"""),
        new("POST", $"{H}/namespaces", $"{A}/namespaces", """{"mode":"sector","size":"64M"}"""),
        new("POST", $"{H}/processes", $"{A}/processes", """{"comm":"redis"}"""),
        new("POST", $"{H}/processes/{{pid}}/mappings", $"{A}/processes/100/mappings", """{"device":"dax0.0","length":"8M"}"""),
        new("POST", $"{H}/processes/{{pid}}/accesses", $"{A}/processes/100/accesses", """{"mapping":1,"kind":"write","data":"aGVsbG8="}"""),
        new("PATCH", $"{H}/processes/{{pid}}/mappings/{{mapping}}", $"{A}/processes/100/mappings/1", """{"protection":["read"]}"""),
        new("POST", $"{H}/processes/{{pid}}/system-calls", $"{A}/processes/100/system-calls", """{"call":"madvise","mapping":1,"advice":"dontneed"}"""),
        new("POST", $"{H}/processes/{{pid}}/fork", $"{A}/processes/100/fork", null),
        new("DELETE", $"{H}/processes/{{pid}}/mappings/{{mapping}}", $"{A}/processes/100/mappings/1", null),
        new("DELETE", $"{H}/processes/{{pid}}", $"{A}/processes/101", null),
        new("POST", $"{H}/dax-devices", $"{A}/dax-devices", """{"region":0,"size":"128M"}""") { Errno = "ENOSPC" },
        new("DELETE", $"{H}/dax-devices/{{device}}", $"{A}/dax-devices/dax0.0", null) { Errno = "ENXIO" },
        new("POST", $"{H}/dax-devices/{{device}}/disable", $"{A}/dax-devices/dax0.0/disable"),
        new("POST", $"{H}/dax-devices/{{device}}/enable", $"{A}/dax-devices/dax0.0/enable"),
        new("POST", $"{H}/dax-devices/{{device}}/reconfigure", $"{A}/dax-devices/dax0.0/reconfigure", """{"mode":"system-ram"}"""),
        new("POST", $"{H}/dax-devices/{{device}}/offline-memory", $"{A}/dax-devices/dax0.0/offline-memory"),
        new("POST", $"{H}/dax-devices/{{device}}/online-memory", $"{A}/dax-devices/dax0.0/online-memory"),
        new("PUT", $"{H}/namespaces/{{namespace}}/data", $"{A}/namespaces/namespace0.1/data", null) { Bytes = 8192, Read = $"{A}/namespaces/namespace0.1/data?length=4096" },
        new("POST", $"{H}/namespaces/{{namespace}}/disable", $"{A}/namespaces/namespace0.1/disable"),
        new("PATCH", $"{H}/namespaces/{{namespace}}", $"{A}/namespaces/namespace0.1", """{"altName":"journal"}"""),
        new("POST", $"{H}/namespaces/{{namespace}}/check", $"{A}/namespaces/namespace0.1/check"),
        new("POST", $"{H}/namespaces/{{namespace}}/enable", $"{A}/namespaces/namespace0.1/enable"),
        new("POST", $"{H}/namespaces/{{namespace}}/reconfigure", $"{A}/namespaces/namespace0.1/reconfigure", """{"mode":"raw","force":true}"""),
        new("POST", $"{H}/media-errors", $"{A}/media-errors", """{"namespace":"namespace0.1","block":16,"count":1}"""),
        new("POST", $"{H}/media-errors/uninject", $"{A}/media-errors/uninject", """{"namespace":"namespace0.1","block":16,"count":1}"""),
        new("POST", $"{H}/media-errors/clear", $"{A}/media-errors/clear", """{"namespace":"namespace0.1"}"""),
        new("POST", $"{H}/scrubs", $"{A}/scrubs") { Read = $"{A}/scrubs" },
        new("POST", $"{H}/dimms/{{dimm}}/firmware", $"{A}/dimms/nmem2/firmware", """{"version":"9.9.9.9999"}"""),
        new("POST", $"{H}/dimms/{{dimm}}/health/inject", $"{A}/dimms/nmem2/health/inject", """{"mediaTemperature":40}"""),
        new("POST", $"{H}/dimms/{{dimm}}/security", $"{A}/dimms/nmem2/security", """{"command":"update 0 1001"}"""),
        new("DELETE", $"{H}/namespaces/{{namespace}}", $"{A}/namespaces/namespace0.1?force=true", null),
        new("POST", $"{H}/power", $"{A}/power", """{"action":"cycle"}""") { Boots = true },
        new("POST", "/v1/workloads", "/v1/workloads", Long) { Async = true, Keep = ("id", "operation") },
        new("POST", "/v1/operations/{id}/cancel", "/v1/operations/{operation}/cancel") { Ends = "/v1/operations/{operation}" },
        new("POST", "/v1/workloads", "/v1/workloads", """{"machine":{"devices":[{"size":"1G"}]},"mappings":[{"device":"dax0.0","length":"64M"}],"phases":[{"accesses":1000}]}""") { Keep = ("id", "workload") },
        new("DELETE", "/v1/workloads/{id}", "/v1/workloads/{workload}", null),
        new("POST", "/v1/campaigns", "/v1/campaigns", """{"seed":7,"labelSelector":"set=audit","durationSeconds":3600,"sources":[{"perDimmHour":1}]}""") { Keep = ("id", "campaign"), Read = "/v1/campaigns/{campaign}" },
        new("PUT", "/v1/fleet", "/v1/fleet", """{"apiVersion":"pmemfleet/v1","hosts":[{"name":"audit-2","dimms":[{"capacity":"64M"}]}]}"""),
        new("DELETE", H, A, null),
        new("POST", "/v1/workers/{worker}/drain", "/v1/workers/{worker}/drain"),
        new("POST", "/v1/workers/{worker}/resume", "/v1/workers/{worker}/resume"),
    ];
}
