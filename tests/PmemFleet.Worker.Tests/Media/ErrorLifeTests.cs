using CsCheck;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Processes;
using PmemFleet.Contracts.Sync;
using PmemFleet.Worker.DataPlane;
using PmemFleet.Worker.Hosts;
using PmemFleet.Worker.Media;
using PmemFleet.Worker.Tasks;
using PmemFleet.Worker.Tests.Support;

namespace PmemFleet.Worker.Tests.Media;

/// <summary>
/// The life of errors on a host's real store, against a model of flags: a flag for each 64 bytes of a window in a raw namespace and of one in a
/// devdax namespace. After every step the DIMMs' lists, the driver's badblocks and the answers agree with it.
/// </summary>
public sealed class ErrorLifeTests
{
    private const int Cell = 64;
    private const int Sector = 512;
    private const int CellsOfSector = Sector / Cell;
    private const int Cells = 4 * 4096 * 2 / Cell;
    private const int Sectors = Cells / CellsOfSector;
    private const long Half = TestLayout.RegionBytes / 2;

    /// <summary>Behind the info blocks, which every bind reads.</summary>
    private const int RawWindow = 1 << 20;
    private const long DaxWindow = Half + (2 << 20);

    private enum Act
    {
        Inject,
        Announce,
        Uninject,
        Read,
        Write,
        Load,
        Store,
        Map,
        Unmap,
        Scrub,
        ClearErrors,
        LimitClears,
        Crash,
    }

    private static readonly Gen<(Act Act, bool InDax, int At, int Count)> Steps = Gen.Select(Gen.Enum<Act>(), Gen.Bool, Gen.Int[0, Cells - 1], Gen.Int[1, 40]);

    [Fact]
    public void Steps_AnySequence_AgreeWithTheModel() => Steps.Array[1, 40].Sample(
        steps =>
        {
            using var host = new Host();
            host.Check("at first");
            foreach (var (act, inDax, at, count) in steps)
            {
                host.Do(act, inDax, at, Math.Min(count, Cells - at));
                host.Check($"after {act} {(inDax ? "dax" : "raw")} {at} {count}");
            }
        },
        iter: 40,
        threads: 1);

    private sealed class Host : IDisposable
    {
        private readonly MediaFolder _folder = new();
        private readonly HostLayout _layout = TestLayout.New();
        private readonly Guid _id = Guid.CreateVersion7();
        private readonly bool[][] _poison = [new bool[Cells], new bool[Cells]];
        private readonly bool[][] _known = [new bool[Cells], new bool[Cells]];
        private readonly byte[] _content = new byte[Sectors];
        private bool[] _table = new bool[Sectors];
        private long? _limit;
        private byte _next;
        private long _epoch;
        private LiveHost _live = null!;
        private readonly List<int> _mappings = [];
        private int _pid;

        public Host() => Boot();

        public void Do(Act act, bool inDax, int at, int count)
        {
            var window = inDax ? 1 : 0;
            switch (act)
            {
                case Act.Inject or Act.Announce or Act.Uninject:
                    Change(act, window, at, count);
                    break;
                case Act.Read:
                    Read(at / CellsOfSector, 1 + (count / CellsOfSector));
                    break;
                case Act.Write:
                    Write(at / CellsOfSector, 1 + (count / CellsOfSector));
                    break;
                case Act.Load or Act.Store:
                    Touch(act == Act.Load, at, count);
                    break;
                case Act.Map:
                    Map();
                    break;
                case Act.Unmap:
                    Unmap(count);
                    break;
                case Act.Scrub:
                    Assert.IsType<StepScrubbed>(ScrubSteps.Scrub(_live, new ScrubStep()));
                    for (var cell = 0; cell < 2 * Cells; cell++)
                    {
                        _known[cell / Cells][cell % Cells] |= _poison[cell / Cells][cell % Cells];
                    }

                    break;
                case Act.ClearErrors:
                    ClearErrors();
                    break;
                case Act.LimitClears:
                    _limit = (count % 3) switch { 0 => null, 1 => 256, _ => 1024 };
                    foreach (var dimm in _live.Memory.Dimms)
                    {
                        _live.Memory.Change(dimm, dimm.Attributes with { ClearLimit = _limit });
                    }

                    break;
                default:
                    Crash(count);
                    break;
            }

            for (var cell = 0; cell < Cells; cell++)
            {
                _table[cell / CellsOfSector] |= _known[0][cell];
            }
        }

        public void Check(string when)
        {
            var poisoned = Expand(seen => seen.Poison);
            var known = Expand(seen => seen.BadRanges);
            for (var window = 0; window < 2; window++)
            {
                for (var cell = 0; cell < Cells; cell++)
                {
                    var place = Place(window, cell);
                    Assert.True(_poison[window][cell] == poisoned.Remove(place), $"{when}: poison of cell {cell} of window {window}");
                    Assert.True(_known[window][cell] == known.Remove(place), $"{when}: knowledge of cell {cell} of window {window}");
                }
            }

            Assert.True(poisoned.Count + known.Count == 0, $"{when}: errors from nowhere");
            var listed = _live.Bound["namespace0.0"].Media.Badblocks.Entries.SelectMany(entry => Enumerable.Range((int)entry.Start - (RawWindow / Sector), entry.Length));
            Assert.Equal(Enumerable.Range(0, Sectors).Where(sector => _table[sector]), listed);
        }

        public void Dispose()
        {
            _live.Dispose();
            _folder.Dispose();
        }

        private (Guid Dimm, long Cell) Place(int window, int cell)
        {
            var place = TestLayout.Place(_layout, TestLayout.Start + (window == 0 ? RawWindow : DaxWindow) + (cell * Cell), Cell);
            return (place.DimmId, place.Dpa / Cell);
        }

        private HashSet<(Guid Dimm, long Cell)> Expand(Func<DimmObservation, IReadOnlyList<DpaRange>> list) =>
        [
            .. from dimm in _live.Memory.Dimms
               let seen = dimm.Observe(_epoch)
               from range in list(seen)
               from cell in Enumerable.Range((int)(range.Dpa / Cell), (int)(range.Length / Cell))
               select (seen.DimmId, (long)cell),
        ];

        private void Change(Act act, int window, int at, int count)
        {
            DimmRange[] ranges = [.. Enumerable.Range(at, count).Select(cell => Place(window, cell)).Select(place => new DimmRange(place.Dimm, place.Cell * Cell, Cell))];
            Assert.IsType<StepDone>(MediaSteps.Inject(_live, new InjectErrorsStep { Ranges = ranges, Uninject = act == Act.Uninject, Notify = act != Act.Inject }));
            Array.Fill(_poison[window], act != Act.Uninject, at, count);
            if (act == Act.Announce)
            {
                Array.Fill(_known[window], true, at, count);
            }
        }

        private void Read(int sector, int count)
        {
            count = Math.Min(count, Sectors - sector);
            var bytes = new byte[count * Sector];
            var refusal = _live.Bound["namespace0.0"].Io!.Read(RawWindow + (sector * Sector), bytes);
            var first = Array.IndexOf(_poison[0], true, sector * CellsOfSector, count * CellsOfSector);
            var isListed = Array.IndexOf(_table, true, sector, count) >= 0;
            Assert.Equal(isListed || first >= 0 ? "EIO" : null, refusal?.Errno);
            if (!isListed && first >= 0)
            {
                _known[0][first] = true;
            }

            if (refusal is null)
            {
                Assert.Equal(_content.AsSpan(sector, count).ToArray(), Enumerable.Range(0, count).Select(number => bytes[number * Sector]));
            }
        }

        private void Write(int sector, int count)
        {
            count = Math.Min(count, Sectors - sector);
            _next++;
            var refusal = _live.Bound["namespace0.0"].Io!.Write(RawWindow + (sector * Sector), [.. Enumerable.Repeat(_next, count * Sector)], out _);
            if (Array.IndexOf(_table, true, sector, count) >= 0)
            {
                var cleared = Clear(0, sector, count);
                Array.Fill(_table, false, sector, (int)(cleared / Sector));
                Assert.Equal(cleared == count * Sector ? null : "EIO", refusal?.Errno);
                if (cleared != count * Sector)
                {
                    return;
                }
            }
            else
            {
                Assert.Null(refusal);
            }

            Array.Fill(_content, _next, sector, count);
        }

        private long Clear(int window, int sector, int count)
        {
            var cleared = Math.Min(count * (long)Sector, _limit ?? long.MaxValue);
            Array.Fill(_poison[window], false, sector * CellsOfSector, (int)(cleared / Cell));
            Array.Fill(_known[window], false, sector * CellsOfSector, (int)(cleared / Cell));
            return cleared;
        }

        private void Map()
        {
            var answer = MappingSession.Create(_live, _pid, new CreateMappingRequest { Device = "dax0.1", Length = new ByteSize(2 << 20) });
            Assert.Null(answer.Refusal);
            _mappings.Add(answer.Value!.Id);
        }

        private void Unmap(int which)
        {
            if (_mappings.Count > 0)
            {
                var number = which % _mappings.Count;
                Assert.Null(MappingSession.Unmap(_live, _pid, _mappings[number]).Refusal);
                _mappings.RemoveAt(number);
            }
        }

        /// <summary>Through any of the mappings: the media under each is the same.</summary>
        private void Touch(bool isLoad, int cell, int which)
        {
            if (_mappings.Count == 0)
            {
                Assert.NotNull(AccessSession.Run(_live, _pid, new CreateAccessRequest { Mapping = 1, Offset = new ByteSize(0), Kind = "read" }).Refusal);
                return;
            }

            var answer = AccessSession.Run(_live, _pid, new CreateAccessRequest { Mapping = _mappings[which % _mappings.Count], Offset = new ByteSize((cell * Cell) + 8), Kind = isLoad ? "read" : "write" });
            Assert.Equal(isLoad && _poison[1][cell] ? "BUS_MCEERR_AR" : null, answer.Value!.Signal?.Code);
            _known[1][cell] |= isLoad && _poison[1][cell];
        }

        /// <summary>Of the raw namespace: runs of bad sectors one after the other, until a clear falls short.</summary>
        private void ClearErrors()
        {
            var result = MediaSteps.Clear(_live, new ClearErrorsStep { Start = TestLayout.Start, Length = Half });
            _table = [.. Enumerable.Range(0, Sectors).Select(sector => Array.IndexOf(_known[0], true, sector * CellsOfSector, CellsOfSector) >= 0)];
            var isShort = false;
            for (var sector = 0; sector < Sectors && !isShort; sector++)
            {
                var count = 0;
                while (sector + count < Sectors && _table[sector + count])
                {
                    count++;
                }

                isShort = count > 0 && Clear(0, sector, count) != count * Sector;
                sector += count;
            }

            Assert.Equal(isShort ? "ENXIO" : null, (result as StepRefused)?.Refusal.Errno);
            _table = new bool[Sectors];
        }

        /// <summary>The process ends in the middle of an append; another worker takes the host.</summary>
        private void Crash(int torn)
        {
            var dimm = _layout.Dimms[torn % TestLayout.Ways].DimmId;
            _live.Dispose();
            var journal = Directory.EnumerateFiles(_folder.Path, $"{dimm:N}.*.state", SearchOption.AllDirectories).FirstOrDefault();
            if (journal is not null)
            {
                var record = JournalTail.Of(torn);
                File.AppendAllBytes(journal, record);
            }

            _table = new bool[Sectors];
            Boot();
        }

        private void Boot()
        {
            _live = new LiveHost(HostStore.TryOpen(_folder.Path, _id, ++_epoch)!, _layout, 1);
            _live.Boot();
            Assert.IsType<StepBound>(BindSteps.Bind(_live, TestLayout.Bind(size: Half)));
            Assert.IsType<StepBound>(BindSteps.Bind(_live, TestLayout.Bind(TestLayout.DevDax, "dax", Half) with { Namespace = "namespace0.1", Start = TestLayout.Start + Half }));
            _pid = ProcessSession.Create(_live, new CreateProcessRequest { Comm = "life" }).Value!.Pid;
            _mappings.Clear();
            Map();
        }
    }
}
