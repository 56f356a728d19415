using PmemFleet.Chaos.Tests.Kills;

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

/// <summary>All sequences of up to three commands.</summary>
internal static class CommandSequences
{
    public static IReadOnlyList<IReadOnlyList<Command>> All { get; } = [.. OfLength(1), .. OfLength(2), .. OfLength(3)];

    /// <summary>Sends a command about the newest namespace; one that has no object is not sent.</summary>
    /// <returns>True where a POST was sent, which can be repeated with its key.</returns>
    public static async Task<bool> RunAsync(this RegionLoad load, Command command)
    {
        var newest = load.Namespaces is [.., var last] ? last : null;
        switch (command)
        {
            case Command.Create:
                await load.CreateAsync();
                return true;
            case Command.PowerCycle:
                await load.PowerAsync();
                return true;
            case Command.Reconfigure when newest is not null:
                await load.ReconfigureAsync(newest);
                return true;
            case Command.Destroy when newest is not null:
                await load.DestroyAsync(newest);
                return false;
            case Command.Inject when newest is { Mode: "raw" or "fsdax" }:
                await load.InjectAsync(newest);
                return true;
            case Command.Clear when newest is not null:
                await load.ClearAsync(newest);
                return true;
            case Command.Write when newest is { HasBlocks: true }:
                await load.WriteAsync(newest);
                return false;
            default:
                return false;
        }
    }

    private static IEnumerable<IReadOnlyList<Command>> OfLength(int length) => length == 0
        ? [[]]
        : from head in OfLength(length - 1) from next in Enum.GetValues<Command>() select (IReadOnlyList<Command>)[.. head, next];
}
