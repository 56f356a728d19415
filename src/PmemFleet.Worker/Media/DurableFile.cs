using System.Security.Cryptography;

namespace PmemFleet.Worker.Media;

/// <summary>A small file that is replaced whole: after a crash it is the old one or the new one, and a torn one is noticed.</summary>
internal static class DurableFile
{
    private const int ChecksumBytes = SHA256.HashSizeInBytes;

    /// <summary>Replaces the file; on return it is on the disk.</summary>
    public static void Replace(string path, ReadOnlySpan<byte> content)
    {
        var temporary = path + ".new";
        using (var file = File.OpenHandle(temporary, FileMode.Create, FileAccess.Write))
        {
            Span<byte> checksum = stackalloc byte[ChecksumBytes];
            SHA256.HashData(content, checksum);
            RandomAccess.Write(file, checksum, 0);
            RandomAccess.Write(file, content, ChecksumBytes);
            RandomAccess.FlushToDisk(file);
        }

        File.Move(temporary, path, overwrite: true);
        Libc.SyncFolder(Path.GetDirectoryName(path)!);
    }

    /// <summary>The content, or null where there is none that is whole.</summary>
    public static byte[]? Read(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        var bytes = File.ReadAllBytes(path);
        return bytes.Length >= ChecksumBytes
            && SHA256.HashData(bytes.AsSpan(ChecksumBytes)).AsSpan().SequenceEqual(bytes.AsSpan(0, ChecksumBytes))
            ? bytes[ChecksumBytes..]
            : null;
    }
}
