namespace PmemFleet.Chaos.Tests.Kills;

/// <summary>What a client was told of one of its namespaces.</summary>
internal sealed class KnownNamespace
{
    /// <summary>As it was last seen: a boot may change it.</summary>
    public required string Name { get; set; }

    /// <summary>The client chose it, so that it is known even where an answer was lost.</summary>
    public required Guid Uuid { get; init; }

    public required string Mode { get; set; }

    /// <summary>4 KiB blocks with acknowledged contents, by number.</summary>
    public Dictionary<long, byte[]> Written { get; } = [];

    /// <summary>4 KiB blocks with an acknowledged error in them.</summary>
    public HashSet<long> Poisoned { get; } = [];

    public bool HasBlocks => Mode is "raw" or "sector" or "fsdax";
}
