using System.Globalization;
using System.Text.Json.Nodes;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Listing;

/// <summary>How ndctl and daxctl print sizes and ids, plain or for people (spec 20 section 10).</summary>
internal static class ListNumbers
{
    private const long SmallestWithUnit = 5000 * Bytes.KiB;

    public static JsonNode Size(long bytes, bool human)
    {
        if (!human || bytes < SmallestWithUnit)
        {
            return bytes;
        }

        var (binary, decimalUnit, letter) = bytes switch
        {
            < 2 * Bytes.GiB => (Bytes.MiB, 1e6, "M"),
            < 2 * Bytes.TiB => (Bytes.GiB, 1e9, "G"),
            _ => (Bytes.TiB, 1e12, "T"),
        };
        return string.Create(CultureInfo.InvariantCulture, $"{(double)bytes / binary:0.00} {letter}iB ({bytes / decimalUnit:0.00} {letter}B)");
    }

    /// <summary>C's <c>%#x</c> writes no prefix before a zero.</summary>
    public static JsonNode Hex(ulong value, bool human) =>
        !human ? value : value == 0 ? "0" : string.Create(CultureInfo.InvariantCulture, $"0x{value:x}");

    /// <summary>-u prints a single element without its array.</summary>
    public static JsonNode? Print(JsonArray array, bool human)
    {
        if (array.Count == 0)
        {
            return null;
        }

        if (!human || array.Count > 1)
        {
            return array;
        }

        var only = array[0];
        array.RemoveAt(0);
        return only;
    }
}
