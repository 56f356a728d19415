namespace PmemFleet.Chaos.Tests.Access;

/// <summary>What a caller needs.</summary>
internal enum Needs
{
    /// <summary>Nothing.</summary>
    Open,

    /// <summary>Any key, or the metrics key.</summary>
    Metrics,

    /// <summary>Any key.</summary>
    Viewer,

    /// <summary>An operator's or an admin's key.</summary>
    Operator,

    /// <summary>An admin's key.</summary>
    Admin,

    /// <summary>The join token, and nothing else will do.</summary>
    Join,

    /// <summary>The credential of the worker that the path names, and nothing else will do.</summary>
    Worker,
}

/// <summary>One endpoint and who may call it.</summary>
internal sealed record EndpointRole(string Method, string Path, Needs Needs);

/// <summary>Who may do what, written down by hand: a new endpoint fails the tests until somebody has decided it here.</summary>
internal static class EndpointRoles
{
    public static readonly IReadOnlyList<EndpointRole> All =
    [
        new("GET", "/v1/api-keys", Needs.Admin),
        new("POST", "/v1/api-keys", Needs.Admin),
        new("GET", "/v1/api-keys/{id}", Needs.Admin),
        new("DELETE", "/v1/api-keys/{id}", Needs.Admin),
        new("GET", "/v1/dax-devices", Needs.Viewer),
        new("GET", "/v1/dimms", Needs.Viewer),
        new("GET", "/v1/events", Needs.Viewer),
        new("GET", "/v1/hosts", Needs.Viewer),
        new("POST", "/v1/hosts", Needs.Operator),
        new("GET", "/v1/hosts/{host}", Needs.Viewer),
        new("PATCH", "/v1/hosts/{host}", Needs.Operator),
        new("DELETE", "/v1/hosts/{host}", Needs.Operator),
        new("GET", "/v1/hosts/{host}/check", Needs.Viewer),
        new("GET", "/v1/hosts/{host}/dax-devices", Needs.Viewer),
        new("GET", "/v1/hosts/{host}/dax-devices/{device}", Needs.Viewer),
        new("POST", "/v1/hosts/{host}/dax-devices/{device}/disable", Needs.Operator),
        new("POST", "/v1/hosts/{host}/dax-devices/{device}/enable", Needs.Operator),
        new("GET", "/v1/hosts/{host}/dax-regions", Needs.Viewer),
        new("GET", "/v1/hosts/{host}/dax-regions/{device}", Needs.Viewer),
        new("GET", "/v1/hosts/{host}/daxctl/list", Needs.Viewer),
        new("GET", "/v1/hosts/{host}/dimms", Needs.Viewer),
        new("POST", "/v1/hosts/{host}/dimms", Needs.Operator),
        new("GET", "/v1/hosts/{host}/dimms/{dimm}", Needs.Viewer),
        new("DELETE", "/v1/hosts/{host}/dimms/{dimm}", Needs.Operator),
        new("POST", "/v1/hosts/{host}/dimms/{dimm}/disable", Needs.Operator),
        new("POST", "/v1/hosts/{host}/dimms/{dimm}/enable", Needs.Operator),
        new("GET", "/v1/hosts/{host}/dimms/{dimm}/image", Needs.Viewer),
        new("PUT", "/v1/hosts/{host}/dimms/{dimm}/image", Needs.Operator),
        new("GET", "/v1/hosts/{host}/dimms/{dimm}/label-area", Needs.Viewer),
        new("PUT", "/v1/hosts/{host}/dimms/{dimm}/label-area", Needs.Operator),
        new("GET", "/v1/hosts/{host}/dimms/{dimm}/labels", Needs.Viewer),
        new("POST", "/v1/hosts/{host}/dimms/{dimm}/labels/init", Needs.Operator),
        new("POST", "/v1/hosts/{host}/dimms/{dimm}/labels/zero", Needs.Operator),
        new("GET", "/v1/hosts/{host}/iomem", Needs.Viewer),
        new("GET", "/v1/hosts/{host}/media-errors", Needs.Viewer),
        new("POST", "/v1/hosts/{host}/media-errors", Needs.Operator),
        new("POST", "/v1/hosts/{host}/media-errors/clear", Needs.Operator),
        new("POST", "/v1/hosts/{host}/media-errors/uninject", Needs.Operator),
        new("GET", "/v1/hosts/{host}/namespaces", Needs.Viewer),
        new("POST", "/v1/hosts/{host}/namespaces", Needs.Operator),
        new("GET", "/v1/hosts/{host}/namespaces/{namespace}", Needs.Viewer),
        new("PATCH", "/v1/hosts/{host}/namespaces/{namespace}", Needs.Operator),
        new("DELETE", "/v1/hosts/{host}/namespaces/{namespace}", Needs.Operator),
        new("GET", "/v1/hosts/{host}/namespaces/{namespace}/badblocks", Needs.Viewer),
        new("POST", "/v1/hosts/{host}/namespaces/{namespace}/check", Needs.Operator),
        new("GET", "/v1/hosts/{host}/namespaces/{namespace}/data", Needs.Viewer),
        new("PUT", "/v1/hosts/{host}/namespaces/{namespace}/data", Needs.Operator),
        new("POST", "/v1/hosts/{host}/namespaces/{namespace}/disable", Needs.Operator),
        new("POST", "/v1/hosts/{host}/namespaces/{namespace}/enable", Needs.Operator),
        new("POST", "/v1/hosts/{host}/namespaces/{namespace}/reconfigure", Needs.Operator),
        new("GET", "/v1/hosts/{host}/ndctl/list", Needs.Viewer),
        new("POST", "/v1/hosts/{host}/power", Needs.Operator),
        new("GET", "/v1/hosts/{host}/processes", Needs.Viewer),
        new("POST", "/v1/hosts/{host}/processes", Needs.Operator),
        new("GET", "/v1/hosts/{host}/processes/{pid}", Needs.Viewer),
        new("DELETE", "/v1/hosts/{host}/processes/{pid}", Needs.Operator),
        new("POST", "/v1/hosts/{host}/processes/{pid}/accesses", Needs.Operator),
        new("POST", "/v1/hosts/{host}/processes/{pid}/fork", Needs.Operator),
        new("GET", "/v1/hosts/{host}/processes/{pid}/mappings", Needs.Viewer),
        new("POST", "/v1/hosts/{host}/processes/{pid}/mappings", Needs.Operator),
        new("GET", "/v1/hosts/{host}/processes/{pid}/mappings/{mapping}", Needs.Viewer),
        new("PATCH", "/v1/hosts/{host}/processes/{pid}/mappings/{mapping}", Needs.Operator),
        new("DELETE", "/v1/hosts/{host}/processes/{pid}/mappings/{mapping}", Needs.Operator),
        new("GET", "/v1/hosts/{host}/processes/{pid}/page-tables", Needs.Viewer),
        new("GET", "/v1/hosts/{host}/processes/{pid}/smaps", Needs.Viewer),
        new("GET", "/v1/hosts/{host}/regions", Needs.Viewer),
        new("POST", "/v1/hosts/{host}/regions", Needs.Operator),
        new("GET", "/v1/hosts/{host}/regions/{region}", Needs.Viewer),
        new("PATCH", "/v1/hosts/{host}/regions/{region}", Needs.Operator),
        new("DELETE", "/v1/hosts/{host}/regions/{region}", Needs.Operator),
        new("POST", "/v1/hosts/{host}/regions/{region}/disable", Needs.Operator),
        new("POST", "/v1/hosts/{host}/regions/{region}/enable", Needs.Operator),
        new("GET", "/v1/hosts/{host}/scrubs", Needs.Viewer),
        new("POST", "/v1/hosts/{host}/scrubs", Needs.Operator),
        new("GET", "/v1/media-errors", Needs.Viewer),
        new("GET", "/v1/namespaces", Needs.Viewer),
        new("GET", "/v1/operations", Needs.Viewer),
        new("GET", "/v1/operations/{id}", Needs.Viewer),
        new("POST", "/v1/operations/{id}/cancel", Needs.Operator),
        new("GET", "/v1/regions", Needs.Viewer),
        new("GET", "/v1/workers", Needs.Admin),
        new("GET", "/v1/workers/{worker}", Needs.Admin),
        new("POST", "/v1/workers/join", Needs.Join),
        new("POST", "/v1/workers/{worker}/sync", Needs.Worker),
        new("GET", "/livez", Needs.Open),
        new("GET", "/readyz", Needs.Open),
        new("GET", "/openapi/v1.json", Needs.Open),
        new("GET", "/swagger/index.html", Needs.Open),
        new("GET", "/metrics", Needs.Metrics),
        new("POST", "/v1/campaigns", Needs.Operator),
        new("GET", "/v1/campaigns", Needs.Viewer),
        new("GET", "/v1/campaigns/{id}", Needs.Viewer),
        new("GET", "/v1/campaigns/{id}/log", Needs.Viewer),
        new("GET", "/v1/fleet", Needs.Viewer),
        new("PUT", "/v1/fleet", Needs.Operator),
        new("POST", "/v1/hosts/{host}/dax-devices", Needs.Operator),
        new("DELETE", "/v1/hosts/{host}/dax-devices/{device}", Needs.Operator),
        new("POST", "/v1/hosts/{host}/dax-devices/{device}/offline-memory", Needs.Operator),
        new("POST", "/v1/hosts/{host}/dax-devices/{device}/online-memory", Needs.Operator),
        new("POST", "/v1/hosts/{host}/dax-devices/{device}/reconfigure", Needs.Operator),
        new("POST", "/v1/hosts/{host}/dimms/{dimm}/firmware", Needs.Operator),
        new("GET", "/v1/hosts/{host}/dimms/{dimm}/health", Needs.Viewer),
        new("POST", "/v1/hosts/{host}/dimms/{dimm}/health/inject", Needs.Operator),
        new("POST", "/v1/hosts/{host}/dimms/{dimm}/security", Needs.Operator),
        new("GET", "/v1/hosts/{host}/media-errors/injected", Needs.Viewer),
        new("GET", "/v1/hosts/{host}/dimms/{dimm}/errors", Needs.Viewer),
        new("GET", "/v1/hosts/{host}/media-errors/{dimm}/{dpa}", Needs.Viewer),
        new("POST", "/v1/hosts/{host}/processes/{pid}/system-calls", Needs.Operator),
        new("GET", "/v1/hosts/{host}/scrubs/wait", Needs.Viewer),
        new("POST", "/v1/planner/page-tables", Needs.Viewer),
        new("POST", "/v1/workers/{worker}/drain", Needs.Admin),
        new("POST", "/v1/workers/{worker}/resume", Needs.Admin),
        new("GET", "/v1/workloads", Needs.Viewer),
        new("POST", "/v1/workloads", Needs.Operator),
        new("GET", "/v1/workloads/{id}", Needs.Viewer),
        new("DELETE", "/v1/workloads/{id}", Needs.Operator),
        new("GET", "/v1/workloads/{id}/result", Needs.Viewer),
    ];
}
