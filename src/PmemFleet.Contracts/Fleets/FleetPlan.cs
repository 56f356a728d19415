namespace PmemFleet.Contracts.Fleets;

/// <summary>What applying a fleet document changes, or has changed.</summary>
public sealed record FleetPlan
{
    /// <summary>Hosts.</summary>
    public required FleetCounts Hosts { get; init; }

    /// <summary>DIMMs.</summary>
    public required FleetCounts Dimms { get; init; }

    /// <summary>Regions.</summary>
    public required FleetCounts Regions { get; init; }

    /// <summary>Namespaces.</summary>
    public required FleetCounts Namespaces { get; init; }

    /// <summary>The changes in the document's order, at most the first 1000.</summary>
    public required IReadOnlyList<FleetChange> Changes { get; init; }

    /// <summary>There are more changes than are listed.</summary>
    public required bool Truncated { get; init; }

    /// <summary>Operations that follow: one for each host with new namespaces, which binds them (<c>GET /v1/operations?kind=apply-fleet</c> shows them), and one for each pruned host whose media a worker removes (<c>kind=delete-host</c>).</summary>
    public required int Operations { get; init; }
}

/// <summary>Things of one kind, by what becomes of them.</summary>
public sealed record FleetCounts
{
    /// <summary>New ones.</summary>
    public required int Created { get; init; }

    /// <summary>Changed ones.</summary>
    public required int Updated { get; init; }

    /// <summary>Those that are as the document says.</summary>
    public required int Unchanged { get; init; }

    /// <summary>Those of the document's hosts that the document does not name; they stay.</summary>
    public required int Unnamed { get; init; }

    /// <summary>With <c>prune</c>: hosts that the document does not name; all that is on them goes with them.</summary>
    public required int Deleted { get; init; }
}

/// <summary>One change.</summary>
public sealed record FleetChange
{
    /// <summary><c>create</c>, <c>update</c> or <c>delete</c>.</summary>
    public required string Action { get; init; }

    /// <summary><c>host</c>, <c>dimm</c>, <c>region</c> or <c>namespace</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>The host.</summary>
    public required string Host { get; init; }

    /// <summary>The device's name; null for the host itself.</summary>
    public string? Subject { get; init; }
}
