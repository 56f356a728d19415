namespace PmemFleet.Worker.Media;

/// <summary>A host's media cannot be used: its host fails with this reason, and the worker's other hosts go on.</summary>
/// <param name="code">A stable name of the reason.</param>
/// <param name="message">The reason, for an operator.</param>
/// <param name="inner">What the operating system said.</param>
internal sealed class MediaFailureException(string code, string message, Exception? inner = null) : IOException(message, inner)
{
    /// <summary>The host's folder or one of its media files is not there.</summary>
    public const string Missing = "media-missing";

    /// <summary>A media file does not have the length that was written down for it.</summary>
    public const string WrongSize = "media-size";

    /// <summary>The data folder is not that of this worker's media pool.</summary>
    public const string WrongFolder = "media-folder";

    /// <summary>A flush failed: what the operating system has in memory of the file is not what is on the disk.</summary>
    public const string FlushFailed = "media-flush-failed";

    public string Code { get; } = code;
}

/// <summary>What the operating system's numbers of errors mean here.</summary>
internal static class DiskErrors
{
    private const int NoSpace = 28;
    private const int TooLarge = 27;
    private const int QuotaExceeded = 122;

    /// <summary>There is no room: the file system, a quota or a limit of the process says so, or the worker keeps its reserve.</summary>
    public static bool IsFull(IOException failure) => failure.HResult is NoSpace or QuotaExceeded or TooLarge;

    public static IOException Full(string message) => new(message, NoSpace);
}
