using PmemFleet.DeviceDax.Devices;

namespace PmemFleet.DeviceDax.Files;

/// <summary>The flags of open(2), with Linux's values on x86-64.</summary>
[Flags]
public enum OpenFlags
{
    /// <summary>O_RDONLY.</summary>
    ReadOnly = 0,

    /// <summary>O_WRONLY.</summary>
    WriteOnly = 0x1,

    /// <summary>O_RDWR.</summary>
    ReadWrite = 0x2,

    /// <summary>O_CREAT.</summary>
    Create = 0x40,

    /// <summary>O_EXCL.</summary>
    Exclusive = 0x80,

    /// <summary>O_TRUNC.</summary>
    Truncate = 0x200,

    /// <summary>O_APPEND.</summary>
    Append = 0x400,

    /// <summary>O_NONBLOCK.</summary>
    NonBlocking = 0x800,

    /// <summary>O_DIRECT.</summary>
    Direct = 0x4000,

    /// <summary>O_LARGEFILE: always set by a 64-bit kernel.</summary>
    LargeFile = 0x8000,

    /// <summary>O_DIRECTORY.</summary>
    Directory = 0x10000,

    /// <summary>O_SYNC.</summary>
    Sync = 0x101000,

    /// <summary>O_PATH.</summary>
    Path = 0x200000,
}

/// <summary>An open file description: what descriptors and mappings of several processes may share.</summary>
public sealed class OpenFile
{
    private int _references = 1;

    internal OpenFile(FileNode node, OpenFlags flags)
    {
        Node = node;
        IsPathOnly = (flags & OpenFlags.Path) != 0;
        Flags = (flags & ~(OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.Truncate)) | OpenFlags.LargeFile;
    }

    /// <summary>What was opened.</summary>
    public FileNode Node { get; }

    /// <summary>What F_GETFL gives.</summary>
    public OpenFlags Flags { get; }

    /// <summary>FMODE_READ.</summary>
    public bool CanRead => !IsPathOnly && (Flags & OpenFlags.WriteOnly) == 0;

    /// <summary>FMODE_WRITE.</summary>
    public bool CanWrite => !IsPathOnly && (Flags & (OpenFlags.WriteOnly | OpenFlags.ReadWrite)) != 0;

    /// <summary>O_PATH: names the file without opening it.</summary>
    public bool IsPathOnly { get; }

    /// <summary>What puts the count of its users back.</summary>
    internal Action Remember()
    {
        var references = Volatile.Read(ref _references);
        return () => Volatile.Write(ref _references, references);
    }

    internal void Hold() => Interlocked.Increment(ref _references);

    internal void Put()
    {
        if (Interlocked.Decrement(ref _references) == 0 && !IsPathOnly)
        {
            (Node as DaxDevice)?.Closed();
        }
    }
}
