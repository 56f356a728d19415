using System.Collections.Immutable;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.Devices;

/// <summary>A contiguous piece of a file on the media.</summary>
/// <param name="FileOffset">Offset in the file, a multiple of 4 KiB.</param>
/// <param name="Range">Where its bytes are.</param>
public readonly record struct FileExtent(ulong FileOffset, PhysicalRange Range);

/// <summary>
/// A file on a DAX filesystem, for contrast: PMD mappings where extent and mapping happen to be aligned, otherwise 4 KiB,
/// never 1 GiB; holes read as the zero page; known bad blocks answer with SIGBUS (spec 50 sections 5 and 10).
/// </summary>
/// <param name="path">Its path.</param>
/// <param name="length">Its size.</param>
/// <param name="extents">Where its bytes are, by file offset; what lies between is a hole.</param>
/// <param name="inodeNumber">Its inode number.</param>
public sealed class FsDaxFile(string path, ByteCount length, ImmutableArray<FileExtent> extents, long inodeNumber) : FileNode(path)
{
    /// <summary>The file's size.</summary>
    public ByteCount Length { get; } = length;

    /// <summary>Where its bytes are.</summary>
    public ImmutableArray<FileExtent> Extents { get; } = extents;

    /// <summary>Physical ranges the namespace's badblocks list names.</summary>
    public ImmutableArray<PhysicalRange> BadBlocks { get; init; } = [];

    /// <inheritdoc/>
    public override PageGranule PageSize => PageGranule.Pte;

    /// <inheritdoc/>
    public override long InodeNumber { get; } = inodeNumber;

    /// <inheritdoc/>
    public override bool IsDax => true;

    internal ulong? Lookup(ulong pageOffset, ulong lengthBytes)
    {
        var offset = pageOffset << PageGranules.PageShift;
        foreach (var extent in Extents)
        {
            if (offset >= extent.FileOffset && offset + lengthBytes <= extent.FileOffset + extent.Range.Length.Value)
            {
                return extent.Range.Start.Value + (offset - extent.FileOffset);
            }
        }

        return null;
    }

    internal bool IsBad(ulong physical, ulong lengthBytes)
    {
        foreach (var bad in BadBlocks)
        {
            if (bad.Overlaps(new(new(physical), new(lengthBytes))))
            {
                return true;
            }
        }

        return false;
    }
}
