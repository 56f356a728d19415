using System.Globalization;
using System.Text;

namespace PmemFleet.Worker.Media;

/// <summary>A newer epoch has opened the host's store: this worker may write nothing more. It ends the request or task that met it.</summary>
internal sealed class FencedException(long epoch) : Exception($"epoch {epoch} of the host is over")
{
    public long Epoch { get; } = epoch;
}

/// <summary>
/// The media pool's own fence: a file that names the epoch which may write. It is read before each batch of stores and again before
/// anything is acknowledged, by name, so that a network file system looks it up anew. One look serves the stores of a millisecond, and who
/// raises the fence waits longer than that. What is left is the time between that look and the store itself: a process that is stopped
/// exactly there and goes on after the host has moved lets that one store of a request land that nobody was answered. Poison and counters
/// have no such gap, as each epoch keeps them in files of its own.
/// </summary>
internal sealed class MediaFence
{
    /// <summary>How long one look serves the stores of a batch. A process that was stopped longer looks again.</summary>
    private static readonly long Fresh = System.Diagnostics.Stopwatch.Frequency / 1000;

    /// <summary>Longer than <see cref="Fresh"/>, whatever the clocks of two machines make of a millisecond.</summary>
    private static readonly TimeSpan LastLookIsOver = TimeSpan.FromMilliseconds(3);

    private readonly string _path;
    private readonly byte[] _expected;
    private long _seenAt = long.MinValue / 2;

    private MediaFence(string path, long epoch)
    {
        (_path, Epoch) = (path, epoch);
        _expected = DurableFile.Frame(Content(epoch));
    }

    public long Epoch { get; }

    /// <summary>True while the fence names this epoch; false only where it was read and names another one.</summary>
    /// <exception cref="IOException">It cannot be read: who may write is not known, and it is asked again.</exception>
    public bool Holds
    {
        get
        {
            Span<byte> seen = stackalloc byte[_expected.Length + 1];
            if (ReadFence(seen) == _expected.Length && seen[..^1].SequenceEqual(_expected))
            {
                return true;
            }

            // another epoch's, or damaged, or of a folder that is away just now
            return DurableFile.Read(_path) is not { } other || Parse(other) == Epoch
                ? throw new IOException($"the fence {_path} cannot be read")
                : false;
        }
    }

    /// <summary>Raises the fence to an epoch; null where a newer one has it already.</summary>
    /// <exception cref="InvalidDataException">The file is damaged: who may write cannot be known.</exception>
    public static MediaFence? TryRaise(string path, long epoch)
    {
        var held = DurableFile.ReadWhole(path) is { } bytes ? Parse(bytes) : 0;
        if (held > epoch)
        {
            return null;
        }

        if (held < epoch)
        {
            DurableFile.Replace(path, Content(epoch));

            // a former holder's last look may serve it this much longer; nothing is read or stored under the new epoch before that is over
            _ = SpinWait.SpinUntil(static () => false, LastLookIsOver);
        }
        else
        {
            // an attempt before this one may have failed between the rename and this
            Libc.SyncFolder(Path.GetDirectoryName(path)!);
        }

        return new MediaFence(path, epoch);
    }

    /// <exception cref="FencedException">Another epoch has the store.</exception>
    /// <exception cref="IOException">The fence cannot be read.</exception>
    public void Demand()
    {
        var now = System.Diagnostics.Stopwatch.GetTimestamp();
        if (now - Volatile.Read(ref _seenAt) < Fresh)
        {
            return;
        }

        if (!Holds)
        {
            throw new FencedException(Epoch);
        }

        Volatile.Write(ref _seenAt, now);
    }

    private int ReadFence(Span<byte> seen)
    {
        try
        {
            using var file = File.OpenHandle(_path);
            return RandomAccess.Read(file, seen, 0);
        }
        catch (UnauthorizedAccessException refused)
        {
            throw new IOException($"the fence {_path} cannot be read: {refused.Message}", refused);
        }
    }

    private static long Parse(ReadOnlySpan<byte> content) => long.Parse(Encoding.ASCII.GetString(content), CultureInfo.InvariantCulture);

    private static byte[] Content(long epoch) => Encoding.ASCII.GetBytes(epoch.ToString(CultureInfo.InvariantCulture));
}
