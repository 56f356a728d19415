using System.Runtime.CompilerServices;

namespace PmemFleet.DeviceDax.Workloads;

/// <summary>
/// Step k is likely as 1/k^s, by rejection inversion (Hörmann and Derflinger 1996); ranks are scattered over the mapping by
/// a multiplication modulo a power of two. Uses only the four basic operations of IEEE doubles, never the C library's log
/// and exp, so that the sequence is the same on every machine.
/// </summary>
internal struct ZipfPattern : IAccessPattern
{
    private readonly ulong _steps;
    private readonly int _stepShift;
    private readonly double _exponent;
    private readonly double _head;
    private readonly double _tail;
    private readonly double _shortcut;
    private readonly ulong _mask;
    private readonly ulong _multiplier;
    private SplitMix _random;

    public ZipfPattern(ulong steps, int stepShift, double exponent, ulong seed)
    {
        (_steps, _stepShift, _exponent) = (Math.Max(steps, 1), stepShift, exponent);
        _random = new(seed);
        _mask = ulong.MaxValue >> System.Numerics.BitOperations.LeadingZeroCount(Math.Max(_steps - 1, 1));
        _multiplier = (SplitMix.Mix(seed ^ 0x5a17) << 1) | 1;
        _head = Integral(1.5) - 1;
        _tail = Integral(_steps + 0.5);
        _shortcut = 2 - Inverse(Integral(2.5) - Density(2));
    }

    public static bool IsScattered => true;

    public ulong Next()
    {
        var step = Rank() - 1;
        do
        {
            step = (step * _multiplier) & _mask;
        }
        while (step >= _steps);
        return step << _stepShift;
    }

    private ulong Rank()
    {
        while (true)
        {
            var u = _tail + ((_random.Next() >> 11) * (1.0 / (1UL << 53)) * (_head - _tail));
            var x = Inverse(u);
            var k = Math.Clamp((ulong)(x + 0.5), 1, _steps);
            if (k - x <= _shortcut || u >= Integral(k + 0.5) - Density(k))
            {
                return k;
            }
        }
    }

    private readonly double Density(double x) => PortableMath.Exp(-_exponent * PortableMath.Log(x));

    private readonly double Integral(double x)
    {
        var log = PortableMath.Log(x);
        return Series((1 - _exponent) * log) * log;
    }

    private readonly double Inverse(double x)
    {
        var t = Math.Max(x * (1 - _exponent), -1);
        return PortableMath.Exp(LogSeries(t) * x);
    }

    // (exp(x)-1)/x and log(1+x)/x, by their series near 0 where the quotients lose their digits.
    private static double Series(double x) =>
        Math.Abs(x) > 1e-8 ? (PortableMath.Exp(x) - 1) / x : 1 + (x * 0.5 * (1 + (x / 3)));

    private static double LogSeries(double x) =>
        Math.Abs(x) > 1e-8 ? PortableMath.Log(1 + x) / x : 1 - (x * (0.5 - (x / 3)));
}

/// <summary>Logarithm and exponential from the basic operations alone: slower than the C library's, the same everywhere.</summary>
internal static class PortableMath
{
    private const double Ln2 = 0.693147180559945309417232121458;

    public static double Log(double x)
    {
        if (x <= 0)
        {
            return double.NegativeInfinity;
        }

        var bits = BitConverter.DoubleToUInt64Bits(x);
        var exponent = (int)(bits >> 52) - 1023;
        var mantissa = BitConverter.UInt64BitsToDouble((bits & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000);
        if (mantissa > 1.4142135623730951)
        {
            (mantissa, exponent) = (mantissa * 0.5, exponent + 1);
        }

        var t = (mantissa - 1) / (mantissa + 1);
        var square = t * t;
        var sum = 0.0;
        for (var k = 23; k >= 1; k -= 2)
        {
            sum = (sum * square) + (1.0 / k);
        }

        return (2 * t * sum) + (exponent * Ln2);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static double Exp(double x)
    {
        if (x < -700)
        {
            return 0;
        }

        var power = (int)((x / Ln2) + (x < 0 ? -0.5 : 0.5));
        var rest = x - (power * Ln2);
        var sum = 1.0;
        for (var k = 18; k >= 1; k--)
        {
            sum = 1 + (rest / k * sum);
        }

        return sum * BitConverter.UInt64BitsToDouble((ulong)(power + 1023) << 52);
    }
}
