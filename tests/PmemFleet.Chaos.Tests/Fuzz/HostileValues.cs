using System.Text;
using System.Text.Json.Nodes;

namespace PmemFleet.Chaos.Tests.Fuzz;

/// <summary>What nobody should send.</summary>
internal static class HostileValues
{
    /// <summary>A size or number as JSON text, in and out of every range.</summary>
    private static readonly string[] Numbers =
    [
        "0", "-1", "1", "511", "513", "4095", "4097", "2147483647", "2147483648", "-2147483649", "9223372036854775807", "9223372036854775808",
        "-9223372036854775808", "18446744073709551615", "18446744073709551616", "1e400", "-1e400", "1.5", "0.1e1", "1e3", "-0", "9007199254740993",
    ];

    private static readonly string[] Sizes =
    [
        "", " ", "0", "-1", "+4096", "4G ", " 4G", "4Gi", "4GiBB", "4 G", "4g", "0x", "0x1000", "0X1000K", "0xG", "16777216T", "9223372036854775807", "9223372036854775808",
        "99999999999999999999999999", "8388608T", "8796093022208M", "1.5G", "4G\u0000", "４G", "1e9", "NaN", "Infinity", "4\u200bG", "1" + new string('0', 5000),
    ];

    private static readonly string[] Texts =
    [
        "", " ", "\u0000", "a\u0000b", "\ufffd", "\ufeff", "\u202e", "e\u0301", "\ud83d\ude00", "..", "../../etc/passwd", "/", "\\", "'; DROP TABLE hosts; --", "\" OR 1=1",
        "%00", "%s%n", "${jndi:ldap://x}", "<script>", "namespace0.0", "namespace0.99999999999", "namespace-1.0", "namespace0.0.0", "region0", "nmem0", "dax0.0", "NMEM0", "nmem00", "nmem+0", "nmem 0", "nmem٠",
        "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "{00000000-0000-0000-0000-000000000001}", "0x10000000000000000", "-0x1", "true", "null", "\r\nX-Injected: 1", new('a', 64), new('a', 5000), new('\u00e9', 40),
    ];

    public static string Text(Random random) => Pick(random, random.Next(3) == 0 ? Sizes : random.Next(4) == 0 ? Numbers : Texts);

    /// <summary>Any JSON value at all, as text; some of it is no JSON.</summary>
    public static string Json(Random random) => random.Next(12) switch
    {
        0 => "null",
        1 => random.Next(2) == 0 ? "true" : "false",
        2 or 3 => Pick(random, Numbers),
        4 or 5 => Quoted(Pick(random, Sizes)),
        6 or 7 => Quoted(Pick(random, Texts)),
        8 => "[]",
        9 => "{}",
        10 => $"[{Pick(random, Numbers)},{Quoted(Pick(random, Texts))},null]",
        _ => Pick(random, ["\"\\ud800\"", "\"\\udc00\\ud800\"", "\"\\u0000\"", "\"a\nb\"", "NaN", "Infinity", "'x'", "01", "+1", ".5", "1.", "undefined", "\"\\x41\"", "/*c*/1", "1 2", "{\"a\":1,}", $"\"{new string('x', 100_000)}\""]),
    };

    /// <summary>Bytes that are no proper document of any kind.</summary>
    public static byte[] Document(Random random, string good) => random.Next(14) switch
    {
        0 => [],
        1 => "null"u8.ToArray(),
        2 => "[]"u8.ToArray(),
        3 => "\"text\""u8.ToArray(),
        4 => Encoding.UTF8.GetBytes(good[..random.Next(good.Length)]),
        5 => Encoding.UTF8.GetBytes(good + good),
        6 => Encoding.UTF8.GetBytes(new string('[', 100_000)),
        7 => Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("{\"a\":", 20_000)) + "1" + new string('}', 20_000)),
        8 => [0xef, 0xbb, 0xbf, .. Encoding.UTF8.GetBytes(good)],
        9 => Encoding.Unicode.GetBytes(good),
        10 => BadUtf8(random, good),
        11 => Encoding.UTF8.GetBytes($"{{\"name\":\"{new string('a', 5 << 20)}\"}}"),
        12 => Encoding.UTF8.GetBytes("{" + string.Join(',', Enumerable.Range(0, 30_000).Select(i => $"\"m{i}\":{i}")) + "}"),
        _ => Noise(random),
    };

    public static T Pick<T>(Random random, IReadOnlyList<T> values) => values[random.Next(values.Count)];

    public static byte[] Noise(Random random)
    {
        var bytes = new byte[random.Next(1, 3000)];
        random.NextBytes(bytes);
        return bytes;
    }

    private static string Quoted(string text) => JsonValue.Create(text).ToJsonString();

    private static byte[] BadUtf8(Random random, string good)
    {
        var bytes = Encoding.UTF8.GetBytes(good);
        var at = random.Next(bytes.Length + 1);
        return [.. bytes[..at], .. Pick(random, new byte[][] { [0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf8, 0x88, 0x80, 0x80, 0x80], [0x80], [0xe2, 0x82] }), .. bytes[at..]];
    }
}
