using CsCheck;
using PmemFleet.Nvdimm.Labels;

namespace PmemFleet.Nvdimm.Tests.Labels;

public class LabelAreaTests
{
    [Fact]
    public void Chunks_FreshArea_AreNone() => Assert.Empty(new LabelArea(2 << 20).Chunks());

    [Fact]
    public void Write_AfterSnapshot_LeavesTheSnapshotAlone()
    {
        var area = new LabelArea(10000);
        area.Write(4000, new byte[200].Select((_, i) => (byte)i).ToArray());
        var saved = area.Chunks();
        var loaded = new LabelArea(10000, saved);
        var before = loaded.ToArray();

        area.Write(4000, [0xff]);
        loaded.Write(9999, [1]);

        Assert.Equal(before, new LabelArea(10000, saved).ToArray());
        Assert.Equal([2], loaded.ChangedChunks());
        Assert.Equal(0xff, area.ToArray()[4000]);
        Assert.Equal(1808, loaded.Chunks()[^1].Content.Length);
    }

    [Fact]
    public void Writes_Any_ReadAsAFlatArray() =>
        Gen.Select(Gen.Int[0, 9999], Gen.Byte.Array[0, 5000], Gen.Bool).List[0, 10].Sample(writes =>
        {
            var flat = new byte[10000];
            var area = new LabelArea(flat.Length);
            foreach (var (offset, bytes, clear) in writes)
            {
                var part = bytes.AsSpan(0, Math.Min(bytes.Length, flat.Length - offset));
                if (clear)
                {
                    flat.AsSpan(offset, part.Length).Clear();
                    area.Clear(offset, part.Length);
                }
                else
                {
                    part.CopyTo(flat.AsSpan(offset));
                    area.Write(offset, part);
                }

                area = new LabelArea(flat.Length, area.Chunks());
            }

            Assert.Equal(flat, area.ToArray());
        });
}
