namespace PmemFleet.Nvdimm.Media;

/// <summary>
/// The bytes of one namespace's range, as its driver reaches them: offset 0 is the namespace's first byte. Stores reach the media
/// in the order they were made, 8 aligned bytes at a time and lower addresses first, so a power cut leaves a prefix of them.
/// </summary>
public interface IMedia
{
    /// <summary>Bytes.</summary>
    long Length { get; }

    /// <summary>Reads; false where a byte of the range is poisoned (EIO), which makes a latent error known.</summary>
    bool TryRead(long offset, Span<byte> destination);

    /// <summary>Stores; clears nothing.</summary>
    void Write(long offset, ReadOnlySpan<byte> source);

    /// <summary>Stores zeroes; clears nothing.</summary>
    void Zero(long offset, long length);

    /// <summary>Clears poison: the bytes cleared, which may be fewer than asked for, or a negative errno (spec 60 section 4).</summary>
    long ClearPoison(long offset, long length);

    /// <summary>Everything stored is on the media afterwards.</summary>
    void Flush();

    /// <summary>The bus lists a byte of the range as bad.</summary>
    bool IsKnownBad(long offset, long length);

    /// <summary>
    /// What is stored from here on is on the media no earlier than what was stored before: the fence between a BTT's data, log and
    /// map. Media that keep the order of stores by themselves need do nothing.
    /// </summary>
    void Order() => Flush();
}
