using System.Globalization;
using System.Text;

namespace PmemFleet.Worker.Media;

/// <summary>
/// The media pool's folder. A file of it has the pool's id, which the database has too: a folder that is empty, of another pool, or not mounted is noticed
/// before anything of a host is made in it.
/// </summary>
internal sealed class PoolFolder(WorkerOptions options)
{
    private const string Name = "pool";

    private readonly string _path = Path.Combine(options.DataDirectory, Name);

    /// <summary>For a folder without an id. Kept while the process lives: a join whose answer was lost is made again with the same one.</summary>
    private readonly Guid _candidate = Guid.NewGuid();

    private Guid? _joined;

    /// <summary>The folder's id; null where it has none.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public Guid? ReadId() => DurableFile.ReadWhole(_path) is { } bytes ? Guid.ParseExact(Encoding.ASCII.GetString(bytes), "D") : null;

    /// <summary>The folder's id, or the one that it gets when the Api agrees.</summary>
    public (Guid Id, string State) Look() =>
        ReadId() is { } id ? (id, Contracts.Workers.PoolStates.Marked)
        : Directory.Exists(Path.Combine(options.DataDirectory, "hosts")) && Directory.EnumerateFileSystemEntries(Path.Combine(options.DataDirectory, "hosts")).Any()
            ? (_candidate, Contracts.Workers.PoolStates.Unmarked)
        : (_candidate, Contracts.Workers.PoolStates.Empty);

    /// <summary>The Api has taken the worker with this id; a folder without one gets it.</summary>
    public void Join(Guid id)
    {
        if (ReadId() is not { } held)
        {
            DurableFile.Replace(_path, Encoding.ASCII.GetBytes(id.ToString("D", CultureInfo.InvariantCulture)));
        }
        else if (held != id)
        {
            throw Wrong(held, id);
        }

        _joined = id;
    }

    /// <summary>Refuses a folder that is not the one that this process joined with.</summary>
    /// <exception cref="MediaFailureException">It is not.</exception>
    public void Demand()
    {
        if (_joined is { } joined && ReadId() is var held && held != joined)
        {
            throw Wrong(held, joined);
        }
    }

    private MediaFailureException Wrong(Guid? held, Guid joined) => new(
        MediaFailureException.WrongFolder,
        held is null
            ? $"The folder {options.DataDirectory} has no pool id, and the worker joined with pool {joined}: its volume is not mounted."
            : $"The folder {options.DataDirectory} is of pool {held}, and the worker joined with pool {joined}: another volume is mounted.");
}
