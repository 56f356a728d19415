using System.Buffers.Binary;
using System.Globalization;
using System.Text.Json.Nodes;
using PmemFleet.Nvdimm.Btt;
using PmemFleet.Nvdimm.Model;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Tests.Model;

/// <summary>
/// The recorder's tools that read, write and damage block devices: <c>pat w</c> writes a pattern made of a seed, <c>pat r</c> prints a hash and the first eight
/// bytes, <c>pat x</c> flips bits, <c>ib</c> changes fields of the info block at 4096 and puts its checksum right. The recorder's pattern is not known: which
/// pattern is read is, by the hash that the recording has for it.
/// </summary>
internal sealed class ReplayPatterns(Bus bus, ReplayMedia media)
{
    private const int InfoBlock = 4096;
    private const string ZeroesHash = "b93a0c83ce3b6325";

    /// <summary>What the recorder's tool prints for 4096 bytes of a seed; the first eight bytes tell the seed of a part.</summary>
    private static readonly (int Seed, string Hash, string First)[] Known =
        [(2, "10dc053ae2737bd0", "dcc4311b44ec38cb"), (3, "34bdc69a604f77af", "14e5f77781230da9")];

    /// <summary>
    /// The block layer wrote a page once or twice, which the recording does not tell. Twice is the only way to what was read in the kinds <c>mapoff</c> (both blocks
    /// are where they were first) and <c>flog_old</c> (the first log entry is the newest), once in all others.
    /// </summary>
    public bool WritesTwice { get; set; }

    public string Run(JsonNode golden, string[] words)
    {
        if (words[0] == "ib")
        {
            return Failed(golden, Info(words[1][(words[1].LastIndexOf('/') + 1)..], words[2..]));
        }

        var (name, offset) = (words[2][(words[2].LastIndexOf('/') + 1)..], long.Parse(words[3], CultureInfo.InvariantCulture));
        switch (words[1])
        {
            case "w":
                var pattern = Pattern(Number(words[5]), int.Parse(words[4], CultureInfo.InvariantCulture));
                return Failed(golden, media.Write(bus, name, offset, pattern) ?? (WritesTwice ? media.Write(bus, name, offset, pattern) : null));
            case "x":
                return Failed(golden, media.Change(bus, name, offset, 1, bytes => bytes[0] ^= (byte)Number(words[4])));
            default:
                var bytes = new byte[int.Parse(words[4], CultureInfo.InvariantCulture)];
                return media.Read(bus, name, offset, bytes) is { } errno ? Failed(golden, errno) : Same(golden, bytes);
        }
    }

    private static string Failed(JsonNode golden, Errno? errno)
    {
        var expected = (int)golden["rc"]! == 0 ? null : ((string)golden["stdout"]!).Trim().Split(' ')[^1];
        return expected == errno?.ToString() ? "" : $"expected {expected} but was {errno}";
    }

    /// <summary>Whole patterns and zeroes are compared by their hash; of a mixture the first bytes are, and that it is one.</summary>
    private static string Same(JsonNode golden, byte[] bytes)
    {
        var recorded = ((string)golden["stdout"]!).Trim().Split(' ');
        if (bytes.AsSpan().IndexOfAnyExcept((byte)0) < 0)
        {
            return recorded[0] == Hash(bytes) ? "" : $"expected {recorded[0]} but was all zeroes";
        }

        var known = Known.FirstOrDefault(one => Pattern(one.Seed, bytes.Length).AsSpan().SequenceEqual(bytes));
        var actual = known.Hash;
        if (actual is not null)
        {
            return recorded[0] == actual ? "" : $"expected {recorded[0]} but was {actual}";
        }

        var first = Known.FirstOrDefault(one => Pattern(one.Seed, 8).AsSpan().SequenceEqual(bytes.AsSpan(0, 8))).First ?? new string('0', 16);
        return recorded[1] == first && Known.All(one => one.Hash != recorded[0]) && recorded[0] != ZeroesHash ? "" : $"expected {golden["stdout"]} but was a mixture that begins with {first}";
    }

    /// <summary>FNV-1a.</summary>
    private static string Hash(ReadOnlySpan<byte> bytes)
    {
        var hash = 0xcbf29ce484222325;
        foreach (var one in bytes)
        {
            hash = (hash ^ one) * 0x100000001b3;
        }

        return hash.ToString("x16", CultureInfo.InvariantCulture);
    }

    private static byte[] Pattern(int seed, int length)
    {
        var bytes = new byte[length];
        for (var i = 0; i < length; i++)
        {
            bytes[i] = (byte)((seed * 37) + (i * 11) + (i >> 8) + 1);
        }

        return bytes;
    }

    /// <summary><c>OFFSET:BYTES:VALUE</c> with a value to set, to add (<c>+8</c>, <c>-8</c>) or to flip bits by (<c>x1</c>).</summary>
    private Errno? Info(string device, string[] changes) => media.Change(bus, device, InfoBlock, BttInfoBlock.SizeBytes, block =>
    {
        Span<byte> wide = stackalloc byte[8];
        foreach (var change in changes.Where(word => word != "nosum"))
        {
            var parts = change.Split(':');
            var field = block.AsSpan(Number(parts[0]), Number(parts[1]));
            wide.Clear();
            field.CopyTo(wide);
            var was = BinaryPrimitives.ReadUInt64LittleEndian(wide);
            var operand = Wide(parts[2].TrimStart('x', '+', '-'));
            BinaryPrimitives.WriteUInt64LittleEndian(wide, parts[2][0] switch
            {
                'x' => was ^ operand,
                '+' => was + operand,
                '-' => was - operand,
                _ => operand,
            });
            wide[..field.Length].CopyTo(field);
        }

        if (!changes.Contains("nosum"))
        {
            BinaryPrimitives.WriteUInt64LittleEndian(block.AsSpan(BttInfoBlockLayout.Checksum), Fletcher64.ComputeSkipping(block, BttInfoBlockLayout.Checksum));
        }
    });

    private static ulong Wide(string text) => text.StartsWith("0x", StringComparison.Ordinal)
        ? ulong.Parse(text.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture)
        : ulong.Parse(text, CultureInfo.InvariantCulture);

    private static int Number(string text) => text.StartsWith("0x", StringComparison.Ordinal)
        ? int.Parse(text.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture)
        : int.Parse(text, CultureInfo.InvariantCulture);
}
