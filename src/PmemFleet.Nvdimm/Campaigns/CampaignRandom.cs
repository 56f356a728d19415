using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;

namespace PmemFleet.Nvdimm.Campaigns;

/// <summary>
/// Random numbers that are the same on every machine: xoshiro256**, seeded by SHA-256 of a campaign's seed and a name. Its logarithm uses only
/// additions, multiplications and divisions, which IEEE 754 defines to the bit.
/// </summary>
internal struct CampaignRandom
{
    private const double Ln2 = 0.6931471805599453;

    private ulong _a;
    private ulong _b;
    private ulong _c;
    private ulong _d;

    public CampaignRandom(ulong seed, string name)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes($"{seed:x16}/{name}"), hash);
        _a = BinaryPrimitives.ReadUInt64LittleEndian(hash);
        _b = BinaryPrimitives.ReadUInt64LittleEndian(hash[8..]);
        _c = BinaryPrimitives.ReadUInt64LittleEndian(hash[16..]);
        _d = BinaryPrimitives.ReadUInt64LittleEndian(hash[24..]) | 1;
    }

    /// <summary>0 (included) to 1 (not).</summary>
    public double NextDouble() => (Next() >> 11) * (1.0 / (1UL << 53));

    /// <summary>0 to below a limit.</summary>
    public long NextBelow(long limit) => (long)Math.BigMul(Next(), (ulong)limit, out _);

    /// <summary>Time to the next event of so many in a unit of time; infinity for none.</summary>
    public double NextExponential(double rate) => rate <= 0 ? double.PositiveInfinity : -Ln(1 - NextDouble()) / rate;

    /// <summary>The natural logarithm of a number above 0: its exponent, and the series of its mantissa.</summary>
    internal static double Ln(double value)
    {
        var bits = BitConverter.DoubleToInt64Bits(value);
        var exponent = (int)((bits >> 52) & 0x7ff) - 1023;
        var mantissa = BitConverter.Int64BitsToDouble((bits & 0xfffffffffffffL) | (1023L << 52));
        if (mantissa > 1.4142135623730951)
        {
            mantissa /= 2;
            exponent++;
        }

        var z = (mantissa - 1) / (mantissa + 1);
        var square = z * z;
        var sum = 0.0;
        for (var power = 21; power >= 1; power -= 2)
        {
            sum = (sum * square) + (1.0 / power);
        }

        return (exponent * Ln2) + (2 * z * sum);
    }

    private ulong Next()
    {
        var result = BitOperations.RotateLeft(_b * 5, 7) * 9;
        var t = _b << 17;
        _c ^= _a;
        _d ^= _b;
        _b ^= _c;
        _a ^= _d;
        _c ^= t;
        _d = BitOperations.RotateLeft(_d, 45);
        return result;
    }
}
