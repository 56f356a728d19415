using PmemFleet.Contracts.Fleets;

namespace PmemFleet.Api.Fleets;

/// <summary>Counts what a document changes.</summary>
public sealed class FleetTally
{
    private const int MostListed = 1000;
    private readonly List<FleetChange> _changes = [];
    private readonly int[,] _counts = new int[4, 5];
    private bool _truncated;

    public int Operations { get; set; }

    public void Created(FleetKind kind, string host, string? subject = null) => Note(kind, 0, "create", host, subject);

    public void Updated(FleetKind kind, string host, string? subject = null) => Note(kind, 1, "update", host, subject);

    public void Unchanged(FleetKind kind, int count = 1) => _counts[(int)kind, 2] += count;

    public void Unnamed(FleetKind kind, int count) => _counts[(int)kind, 3] += count;

    public void Deleted(string host) => Note(FleetKind.Host, 4, "delete", host, null);

    public FleetPlan ToPlan() => new()
    {
        Hosts = Of(FleetKind.Host),
        Dimms = Of(FleetKind.Dimm),
        Regions = Of(FleetKind.Region),
        Namespaces = Of(FleetKind.Namespace),
        Changes = _changes,
        Truncated = _truncated,
        Operations = Operations,
    };

    private void Note(FleetKind kind, int what, string action, string host, string? subject)
    {
        _counts[(int)kind, what]++;
        if (_changes.Count == MostListed)
        {
            _truncated = true;
            return;
        }

        _changes.Add(new FleetChange { Action = action, Kind = Texts[(int)kind], Host = host, Subject = subject });
    }

    private FleetCounts Of(FleetKind kind) => new()
    {
        Created = _counts[(int)kind, 0],
        Updated = _counts[(int)kind, 1],
        Unchanged = _counts[(int)kind, 2],
        Unnamed = _counts[(int)kind, 3],
        Deleted = _counts[(int)kind, 4],
    };

    private static readonly string[] Texts = ["host", "dimm", "region", "namespace"];
}

/// <summary>What a document names.</summary>
public enum FleetKind
{
    /// <summary>A host.</summary>
    Host,

    /// <summary>A DIMM.</summary>
    Dimm,

    /// <summary>A region.</summary>
    Region,

    /// <summary>A namespace.</summary>
    Namespace,
}
