namespace PmemFleet.Nvdimm.Btt;

/// <summary>
/// The lanes of a BTT: a request holds the lane of its CPU, CPU number modulo 256, and the lane has one holder at a time
/// (spec 30 section 7). Each lane owns one free block of every arena.
/// </summary>
internal sealed class BttLanes
{
    private readonly Lock[] _locks = new Lock[BttGeometry.Lanes];

    public BttLanes()
    {
        for (var lane = 0; lane < _locks.Length; lane++)
        {
            _locks[lane] = new Lock();
        }
    }

    public static int Of(int cpu) => (int)((uint)cpu % BttGeometry.Lanes);

    public Lock.Scope Hold(int lane) => _locks[lane].EnterScope();
}
