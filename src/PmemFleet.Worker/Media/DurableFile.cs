using System.Security.Cryptography;

namespace PmemFleet.Worker.Media;

/// <summary>A small file that is replaced whole: after a crash it is the old one or the new one, and a torn one is noticed.</summary>
internal static class DurableFile
{
    /// <summary>What is unfinished bears this ending and means nothing to a reader.</summary>
    public const string Unfinished = ".new";

    private const int ChecksumBytes = SHA256.HashSizeInBytes;

    /// <summary>
    /// Two workers may replace one file at a time, and one of them may be stopped in the middle of it: each has a temporary file of its own.
    /// </summary>
    private static readonly string Writer = Guid.NewGuid().ToString("N")[..12];

    /// <summary>Replaces the file; on return it is on the disk.</summary>
    public static void Replace(string path, ReadOnlySpan<byte> content) => ReplaceRaw(path, Frame(content));

    /// <summary>Replaces the file by bytes that tell by themselves whether they are whole; on return it is on the disk.</summary>
    public static void ReplaceRaw(string path, ReadOnlySpan<byte> bytes)
    {
        var temporary = $"{path}.{Writer}{Unfinished}";
        try
        {
            using (var file = File.OpenHandle(temporary, FileMode.Create, FileAccess.Write))
            {
                RandomAccess.Write(file, bytes, 0);
                RandomAccess.FlushToDisk(file);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch (IOException)
        {
            TryDelete(temporary);
            throw;
        }

        Libc.SyncFolder(Path.GetDirectoryName(path)!);
    }

    /// <summary>The bytes of a file that has this content.</summary>
    public static byte[] Frame(ReadOnlySpan<byte> content) => [.. SHA256.HashData(content), .. content];

    /// <summary>Removes a file whose room is wanted back; a failure leaves it to the next opening of its folder.</summary>
    public static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // it means nothing to a reader
        }
    }

    /// <summary>The content, or null where there is none that is whole.</summary>
    public static byte[]? Read(string path)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }

        return bytes.Length >= ChecksumBytes
            && SHA256.HashData(bytes.AsSpan(ChecksumBytes)).AsSpan().SequenceEqual(bytes.AsSpan(0, ChecksumBytes))
            ? bytes[ChecksumBytes..]
            : null;
    }

    /// <summary>The content, or null where there is no file. No crash damages a file, so a damaged one is not taken for a missing one.</summary>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public static byte[]? ReadWhole(string path) =>
        Read(path) ?? (File.Exists(path) ? throw new InvalidDataException($"{path} is damaged") : null);
}
