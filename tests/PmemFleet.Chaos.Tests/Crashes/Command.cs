namespace PmemFleet.Chaos.Tests.Crashes;

/// <summary>The commands that sequences are made of.</summary>
internal enum Command
{
    Create,
    Reconfigure,
    Destroy,
    Inject,
    Clear,
    Write,
    PowerCycle,
}

/// <summary>A sequence of up to three commands.</summary>
internal static class CommandSequence
{
    public const int Longest = 3;

    /// <summary>All of them, the short ones too.</summary>
    public static IReadOnlyList<IReadOnlyList<Command>> All { get; } = [.. OfLength(1), .. OfLength(2), .. OfLength(Longest)];

    private static IEnumerable<IReadOnlyList<Command>> OfLength(int length) => length == 0
        ? [[]]
        : from head in OfLength(length - 1) from next in Enum.GetValues<Command>() select (IReadOnlyList<Command>)[.. head, next];
}
