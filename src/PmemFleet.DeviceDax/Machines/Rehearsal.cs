namespace PmemFleet.DeviceDax.Machines;

/// <summary>
/// What is done to a machine's processes between <see cref="Machine.Rehearse"/> and the disposal is undone: a dry run gets the answers of the real
/// thing, and leaves nothing. The caller keeps everyone else away from the machine meanwhile.
/// </summary>
public sealed class Rehearsal : IDisposable
{
    private readonly Stack<Action> _undo;

    internal Rehearsal(IEnumerable<Action> undo) => _undo = new(undo);

    /// <summary>Puts everything back; doing it twice does nothing.</summary>
    public void Dispose()
    {
        while (_undo.TryPop(out var undo))
        {
            undo();
        }
    }
}
