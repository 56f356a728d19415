using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.Devices;

/// <summary>What an open file stands for: a dax device, a file on a DAX filesystem, or an ordinary file.</summary>
public abstract class FileNode
{
    private protected FileNode(string path) => Path = path;

    /// <summary>The path shown in smaps.</summary>
    public string Path { get; }

    /// <summary>Page size smaps shows for a mapping of it.</summary>
    public abstract PageGranule PageSize { get; }

    /// <summary>Inode number, unique within the machine.</summary>
    public abstract long InodeNumber { get; }

    /// <summary>True when mappings reach the media without a page cache.</summary>
    public abstract bool IsDax { get; }
}

/// <summary>A file without DAX: its faults are ordinary page faults and never reach the DAX handlers (seed row 17).</summary>
/// <param name="path">Its path.</param>
/// <param name="length">Its size; a touch beyond it is SIGBUS.</param>
/// <param name="inodeNumber">Its inode number.</param>
public sealed class PlainFile(string path, ByteCount length, long inodeNumber) : FileNode(path)
{
    /// <summary>The file's size.</summary>
    public ByteCount Length { get; } = length;

    /// <inheritdoc/>
    public override PageGranule PageSize => PageGranule.Pte;

    /// <inheritdoc/>
    public override long InodeNumber { get; } = inodeNumber;

    /// <inheritdoc/>
    public override bool IsDax => false;
}
