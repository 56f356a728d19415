using CsCheck;
using PmemFleet.Nvdimm.Labels;

namespace PmemFleet.Nvdimm.Tests.Labels;

public class CrashTests
{
    [Theory]
    [InlineData(LabelVersion.V11, 1)]
    [InlineData(LabelVersion.V12, 1)]
    [InlineData(LabelVersion.V11, 4)]
    [InlineData(LabelVersion.V12, 16)]
    public void Write_StoppedAfterAnyWrite_ProbesAsOldOrNewOnEveryDimm(LabelVersion version, int ways)
    {
        var areas = Enumerable.Range(0, ways).Select(_ => TestAreas.Initialised(version)).ToArray();
        var set = areas.Select((a, i) => TestAreas.Probe(a, i)).ToArray();
        SetLabelUpdate.Write(set, Labels(1, "old", ways));
        var before = areas.Select(a => a.ToArray()).ToArray();
        var journal = new List<LabelWrite>();
        foreach (var dimm in set)
        {
            dimm.Journal = journal;
        }

        SetLabelUpdate.Write(set, Labels(1, "new", ways));

        Assert.Equal(4 * ways, journal.Count);
        for (var stop = 0; stop <= journal.Count; stop++)
        {
            var names = Names(before, journal.Take(stop));
            // a DIMM has its new label once its first index write of the first pass is on the media
            var updated = Math.Min(stop / 2, ways);
            Assert.Equal(Enumerable.Repeat("new", updated).Concat(Enumerable.Repeat("old", ways - updated)), names);
        }
    }

    [Theory]
    [InlineData(LabelVersion.V11)]
    [InlineData(LabelVersion.V12)]
    public void Write_TornAtAnyEightBytes_ProbesAsOldOrNew(LabelVersion version)
    {
        var area = TestAreas.Initialised(version);
        var labels = TestAreas.Probe(area);
        SetLabelUpdate.Write([labels], Labels(1, "old", 1));
        var before = area.ToArray();
        var journal = new List<LabelWrite>();
        labels.Journal = journal;
        SetLabelUpdate.Write([labels], Labels(1, "new", 1));

        for (var stop = 0; stop < journal.Count; stop++)
        {
            for (var torn = 0; torn <= journal[stop].Bytes.Length; torn += 8)
            {
                var part = journal[stop] with { Bytes = journal[stop].Bytes[..torn] };
                var name = Assert.Single(Names([before], journal.Take(stop).Append(part)));
                Assert.Equal(stop > 1 || (stop == 1 && torn == journal[1].Bytes.Length) || IsComplete(before, journal, stop, torn) ? "new" : "old", name);
            }
        }
    }

    [Fact]
    public void Delete_TornAtAnyEightBytes_ProbesAsOldOrGone()
    {
        var area = TestAreas.Initialised();
        var labels = TestAreas.Probe(area);
        SetLabelUpdate.Write([labels], Labels(1, "old", 1));
        var before = area.ToArray();
        var journal = new List<LabelWrite>();
        labels.Journal = journal;
        labels.Delete(TestAreas.Uuid(1));

        var write = Assert.Single(journal);
        for (var torn = 0; torn < write.Bytes.Length; torn += 8)
        {
            var area2 = Replay(before, [write with { Bytes = write.Bytes[..torn] }]);
            var count = TestAreas.Probe(area2).Active().Count();
            Assert.True(count == 1 || area2.ToArray().AsSpan().SequenceEqual(area.ToArray()));
        }

        Assert.Empty(TestAreas.Probe(Replay(before, journal)).Active());
    }

    [Fact]
    public void AnyCommands_StoppedAnywhere_ProbeAsBeforeOrAfterTheCommand() =>
        Gen.Select(Gen.Int[0, 5], Gen.Int[0, 2]).List[1, 12]
            .Select(Gen.Int[0, 1 << 20], Gen.Int[0, 400], (commands, stop, torn) => (commands, stop, torn))
            .Sample(c =>
            {
                var area = TestAreas.Initialised(c.commands.Count % 2 == 0 ? LabelVersion.V11 : LabelVersion.V12, 4096);
                var labels = TestAreas.Probe(area);
                foreach (var (number, what) in c.commands)
                {
                    var before = area.ToArray();
                    var old = Found(area);
                    var journal = new List<LabelWrite>();
                    labels.Journal = journal;
                    if (what == 0)
                    {
                        labels.Delete(TestAreas.Uuid(number));
                    }
                    else
                    {
                        labels.Write(TestAreas.Label(TestAreas.Uuid(number), (ulong)journal.Count, $"{what}"));
                    }

                    var stop = c.stop % (journal.Count + 1);
                    var partial = journal.Take(stop).ToList();
                    if (stop < journal.Count)
                    {
                        partial.Add(journal[stop] with { Bytes = journal[stop].Bytes[..Math.Min(c.torn * 8, journal[stop].Bytes.Length)] });
                    }

                    var seen = Found(Replay(before, partial));
                    Assert.True(seen == old || seen == Found(area), $"{seen} is neither {old} nor {Found(area)}");
                }
            });

    private static string Found(LabelArea area) =>
        string.Join(' ', TestAreas.Probe(area).Active().Select(l => $"{l.Uuid}:{l.Name}").Order(StringComparer.Ordinal));

    private static NamespaceLabel[] Labels(int uuid, string name, int ways) =>
        [.. Enumerable.Range(0, ways).Select(i => TestAreas.Label(TestAreas.Uuid(uuid), name: name, position: (ushort)i, count: (ushort)ways))];

    private static bool IsComplete(byte[] before, List<LabelWrite> journal, int stop, int torn)
    {
        // the rest of a torn index may equal what was there: then the block is whole
        var cut = Replay(before, journal.Take(stop).Append(journal[stop] with { Bytes = journal[stop].Bytes[..torn] })).ToArray();
        return stop == 1 && cut.AsSpan().SequenceEqual(Replay(before, journal.Take(2)).ToArray());
    }

    private static string[] Names(byte[][] before, IEnumerable<LabelWrite> writes)
    {
        var areas = before.Select(TestAreas.From).ToArray();
        foreach (var write in writes)
        {
            areas[write.Dimm].Write(write.Offset, write.Bytes.AsSpan());
        }

        return [.. areas.Select((a, i) => Assert.Single(TestAreas.Probe(a, i).Active()).Name)];
    }

    private static LabelArea Replay(byte[] before, IEnumerable<LabelWrite> writes)
    {
        var area = TestAreas.From(before);
        foreach (var write in writes)
        {
            area.Write(write.Offset, write.Bytes.AsSpan());
        }

        return area;
    }
}
