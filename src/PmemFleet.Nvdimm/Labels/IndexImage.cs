using System.Buffers.Binary;
using System.Numerics;

namespace PmemFleet.Nvdimm.Labels;

/// <summary>
/// The staging index block in memory. It carries its Fletcher-64 sums along with every changed word (they are linear in
/// the words), so that committing an index costs the few words that changed and not the whole block.
/// </summary>
internal sealed class IndexImage
{
    private readonly byte[] _block;
    private uint _low;
    private uint _high;
    private int _free = -1;

    private IndexImage(byte[] block, ulong checksum)
    {
        _block = block;
        _low = (uint)checksum;
        _high = (uint)(checksum >> 32);
        SetWord(IndexLayout.Checksum, 0, counted: false);
        SetWord(IndexLayout.Checksum + 4, 0, counted: false);
    }

    public int SlotCount => (int)Word(IndexLayout.SlotCount);

    public uint Sequence => Word(IndexLayout.Sequence);

    public bool SelectsFirstCookie =>
        BinaryPrimitives.ReadUInt16LittleEndian(_block.AsSpan(IndexLayout.Major)) == 1
        && BinaryPrimitives.ReadUInt16LittleEndian(_block.AsSpan(IndexLayout.Minor)) == 1;

    public ReadOnlySpan<byte> Bytes => _block;

    /// <summary>From a block that was validated, so its checksum is known to be right.</summary>
    public static IndexImage FromValid(ReadOnlySpan<byte> block) =>
        new(block.ToArray(), BinaryPrimitives.ReadUInt64LittleEndian(block[IndexLayout.Checksum..]));

    /// <summary>The kernel's fresh block: every slot free, the bits past the last slot clear (spec 10 section 3).</summary>
    public static IndexImage Fresh(LabelGeometry geometry)
    {
        var image = new IndexImage(new byte[geometry.IndexBytes], 0);
        image.SetWord(IndexLayout.SlotCount, (uint)geometry.SlotCount);
        for (var slot = 0; slot < geometry.SlotCount; slot += 32)
        {
            var bits = Math.Min(32, geometry.SlotCount - slot);
            image.SetWord(IndexLayout.Free + (slot / 8), bits == 32 ? uint.MaxValue : (1u << bits) - 1);
        }

        return image;
    }

    public bool IsFree(int slot) => (Word(WordOf(slot)) & (1u << (slot % 32))) != 0;

    public void SetFree(int slot, bool free)
    {
        var at = WordOf(slot);
        var bit = 1u << (slot % 32);
        _free += _free < 0 || (Word(at) & bit) != 0 == free ? 0 : free ? 1 : -1;
        SetWord(at, free ? Word(at) | bit : Word(at) & ~bit);
    }

    public int LowestFree()
    {
        for (var slot = 0; slot < SlotCount; slot += 32)
        {
            var word = Word(WordOf(slot));
            if (word != 0)
            {
                var found = slot + BitOperations.TrailingZeroCount(word);
                return found < SlotCount ? found : -1;
            }
        }

        return -1;
    }

    public int FreeCount()
    {
        if (_free >= 0)
        {
            return _free;
        }

        var count = 0;
        for (var slot = 0; slot < SlotCount; slot += 32)
        {
            var bits = Math.Min(32, SlotCount - slot);
            count += BitOperations.PopCount(Word(WordOf(slot)) & (bits == 32 ? uint.MaxValue : (1u << bits) - 1));
        }

        return _free = count;
    }

    /// <summary>Fills the header for block <paramref name="which"/> and puts the finished block into <paramref name="destination"/>.</summary>
    public void Finish(int which, uint sequence, LabelGeometry geometry, Span<byte> destination)
    {
        for (var i = 0; i < IndexLayout.SignatureText.Length; i += 4)
        {
            SetWord(IndexLayout.Signature + i, BinaryPrimitives.ReadUInt32LittleEndian(IndexLayout.SignatureText[i..]));
        }

        SetWord(IndexLayout.Flags, (uint)(geometry.LabelBytes >> 8) << 24);
        SetWord(IndexLayout.Sequence, sequence);
        SetLong(IndexLayout.MyOffset, which * geometry.IndexBytes);
        SetLong(IndexLayout.MySize, geometry.IndexBytes);
        SetLong(IndexLayout.OtherOffset, (1 - which) * geometry.IndexBytes);
        SetLong(IndexLayout.LabelOffset, geometry.LabelsOffset);
        SetWord(IndexLayout.Major, 1u | ((geometry.Version == LabelVersion.V11 ? 1u : 2u) << 16));
        _block.CopyTo(destination);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[IndexLayout.Checksum..], ((ulong)_high << 32) | _low);
    }

    private static int WordOf(int slot) => IndexLayout.Free + (slot / 32 * 4);

    private uint Word(int at) => BinaryPrimitives.ReadUInt32LittleEndian(_block.AsSpan(at));

    private void SetLong(int at, int value)
    {
        SetWord(at, (uint)value);
        SetWord(at + 4, 0);
    }

    private void SetWord(int at, uint value, bool counted = true)
    {
        var delta = value - Word(at);
        if (delta == 0)
        {
            return;
        }

        if (counted)
        {
            _low += delta;
            _high += delta * (uint)((_block.Length - at) / 4);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(_block.AsSpan(at), value);
    }
}
