using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace PmemFleet.Contracts;

/// <summary>
/// A size in a request: an integer of bytes, or a string as ndctl takes it (<c>4096</c>, <c>0x1000</c>, <c>16M</c>, <c>4G</c>,
/// <c>4GiB</c>, <c>2T</c>; suffixes are powers of 1024). Anything else is refused.
/// </summary>
/// <param name="Value">Bytes, 0 to 2^63-1.</param>
[JsonConverter(typeof(ByteSizeJsonConverter))]
public readonly record struct ByteSize(long Value) : IParsable<ByteSize>
{
    /// <summary>The forms that are accepted, for refusals.</summary>
    public const string Forms = "an integer of bytes, or a string such as \"4096\", \"0x1000\", \"16M\", \"4GiB\"";

    /// <summary>
    /// The unit it was written in, as a power of two: 20 for <c>16M</c>. Messages of ndctl that propose a size use it. Not part of the
    /// value.
    /// </summary>
    [JsonIgnore]
    public int UnitBits { get; init; }

    /// <inheritdoc/>
    public bool Equals(ByteSize other) => Value == other.Value;

    /// <inheritdoc/>
    public override int GetHashCode() => Value.GetHashCode();

    /// <inheritdoc/>
    public static ByteSize Parse(string s, IFormatProvider? provider) =>
        TryParse(s, provider, out var size) ? size : throw new FormatException($"A size is {Forms}.");

    /// <inheritdoc/>
    public static bool TryParse(string? s, IFormatProvider? provider, out ByteSize result)
    {
        result = default;
        if (string.IsNullOrEmpty(s) || char.IsWhiteSpace(s[0]))
        {
            return false;
        }

        var text = s.AsSpan();
        var shift = 0;
        if (text.Length > 1 && (text[^1] is 'B' or 'b') && text[^2] is 'i')
        {
            text = text[..^2];
            if (text.Length == 0 || char.IsAsciiDigit(text[^1]))
            {
                return false;
            }
        }

        var hex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        if (!hex || text[^1] is not ('B' or 'b'))
        {
            shift = char.ToUpperInvariant(text[^1]) switch { 'K' => 10, 'M' => 20, 'G' => 30, 'T' => 40, _ => 0 };
        }

        if (shift > 0)
        {
            text = text[..^1];
        }

        var style = hex ? NumberStyles.AllowHexSpecifier : NumberStyles.None;
        if (!ulong.TryParse(hex ? text[2..] : text, style, CultureInfo.InvariantCulture, out var number)
            || number > (ulong)long.MaxValue >> shift)
        {
            return false;
        }

        result = new ByteSize((long)(number << shift)) { UnitBits = shift };
        return true;
    }

    /// <summary>The bytes in decimal.</summary>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Reads <see cref="ByteSize"/> from an integer or ndctl's text; writes an integer.</summary>
public sealed class ByteSizeJsonConverter : JsonConverter<ByteSize>
{
    /// <inheritdoc/>
    public override ByteSize Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.TokenType switch
    {
        JsonTokenType.Number when reader.TryGetInt64(out var bytes) && bytes >= 0 => new ByteSize(bytes),
        JsonTokenType.String when ByteSize.TryParse(reader.GetString(), null, out var size) => size,
        _ => throw new JsonException($"A size is {ByteSize.Forms}."),
    };

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, ByteSize value, JsonSerializerOptions options) => writer.WriteNumberValue(value.Value);
}
