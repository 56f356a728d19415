namespace PmemFleet.Nvdimm.Listing;

/// <summary>What <c>daxctl list</c> is asked for. Where no kind is named a filter names it, and without one devices.</summary>
public sealed record DaxctlOptions
{
    /// <summary><c>-R</c>: dax regions, with their devices inside where <see cref="Devices"/> is set.</summary>
    public bool Regions { get; init; }

    /// <summary><c>-D</c>.</summary>
    public bool Devices { get; init; }

    /// <summary><c>-M</c>.</summary>
    public bool Mappings { get; init; }

    /// <summary><c>-u</c>.</summary>
    public bool Human { get; init; }

    /// <summary><c>-r</c>: names such as <c>region0</c>, a number, or <c>all</c>.</summary>
    public string? Region { get; init; }

    /// <summary><c>-d</c>: names such as <c>dax0.1</c> or <c>0.1</c>, or <c>all</c>.</summary>
    public string? Device { get; init; }

    internal DaxctlOptions Effective()
    {
        var wanted = Regions || Devices ? this : this with { Regions = Region is not null, Devices = Device is not null };
        return wanted.Regions || wanted.Devices ? wanted : wanted with { Devices = true };
    }
}
