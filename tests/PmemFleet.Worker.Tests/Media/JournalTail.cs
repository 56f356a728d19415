using PmemFleet.Worker.Media.Errors;

namespace PmemFleet.Worker.Tests.Media;

/// <summary>What a crash leaves behind a journal's last record.</summary>
internal static class JournalTail
{
    /// <summary>A record that is cut short somewhere.</summary>
    public static byte[] Of(int seed)
    {
        var record = ErrorRecord.Changes(2, null, [ErrorChange.Poison(0, 4096), ErrorChange.Know(0, 4096)]);
        return record[..(seed * 7919 % record.Length)];
    }
}
