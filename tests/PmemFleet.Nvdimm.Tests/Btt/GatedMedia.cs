using PmemFleet.Nvdimm.Media;

namespace PmemFleet.Nvdimm.Tests.Btt;

/// <summary>Media at which the first access that meets a condition waits until the test opens the gate.</summary>
internal sealed class GatedMedia(IMedia media, Func<bool, long, int, bool> stopsAt) : IMedia, IDisposable
{
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ManualResetEventSlim _open = new();
    private int _stopped;

    public Task Reached => _reached.Task;

    public long Length => media.Length;

    public void Open() => _open.Set();

    public void Dispose() => _open.Dispose();

    public bool TryRead(long offset, Span<byte> destination)
    {
        Pass(isWrite: false, offset, destination.Length);
        return media.TryRead(offset, destination);
    }

    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        Pass(isWrite: true, offset, source.Length);
        media.Write(offset, source);
    }

    public void Zero(long offset, long length) => media.Zero(offset, length);

    public long ClearPoison(long offset, long length) => media.ClearPoison(offset, length);

    public void Flush() => media.Flush();

    public void Order()
    {
    }

    public bool IsKnownBad(long offset, long length) => media.IsKnownBad(offset, length);

    private void Pass(bool isWrite, long offset, int length)
    {
        if (stopsAt(isWrite, offset, length) && Interlocked.Exchange(ref _stopped, 1) == 0)
        {
            _reached.SetResult();
            _open.Wait();
        }
    }
}
