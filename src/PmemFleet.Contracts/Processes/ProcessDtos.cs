using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace PmemFleet.Contracts.Processes;

/// <summary>A new simulated process.</summary>
public sealed record CreateProcessRequest
{
    /// <summary>Command name, at most 15 bytes; default <c>sim</c>.</summary>
    /// <example>redis</example>
    public string? Comm { get; init; }

    /// <summary>Pid; default: the next free one.</summary>
    public int? Pid { get; init; }
}

/// <summary>Faults by the size of the page-table entry and by their outcome.</summary>
public sealed record FaultCountsDto
{
    /// <summary>4 KiB entries installed.</summary>
    public required long Pte { get; init; }

    /// <summary>2 MiB entries installed.</summary>
    public required long Pmd { get; init; }

    /// <summary>1 GiB entries installed.</summary>
    public required long Pud { get; init; }

    /// <summary>Attempts that fell back to the next smaller size.</summary>
    public required long Fallback { get; init; }

    /// <summary>Faults that ended in SIGBUS or SIGSEGV.</summary>
    public required long Signalled { get; init; }
}

/// <summary>Bytes of page tables by level, as the kernel counts them.</summary>
public sealed record PageTableBytesDto
{
    /// <summary>Tables of 4 KiB entries.</summary>
    public required long Pte { get; init; }

    /// <summary>Tables of 2 MiB entries.</summary>
    public required long Pmd { get; init; }

    /// <summary>Tables of 1 GiB entries.</summary>
    public required long Pud { get; init; }

    /// <summary>Top level (with 5 levels: P4D and PGD).</summary>
    public required long Pgd { get; init; }

    /// <summary>All of them.</summary>
    public required long Total { get; init; }
}

/// <summary>A simulated process of a host.</summary>
public sealed record ProcessDto
{
    /// <summary>The host's name.</summary>
    public required string Host { get; init; }

    /// <summary>Pid on its host.</summary>
    public required int Pid { get; init; }

    /// <summary>Parent's pid after a fork.</summary>
    public int? ParentPid { get; init; }

    /// <summary>Command name.</summary>
    public required string Comm { get; init; }

    /// <summary><c>running</c> or <c>killed</c>.</summary>
    public required string State { get; init; }

    /// <summary>The signal that killed it.</summary>
    public SignalDto? Signal { get; init; }

    /// <summary>Resident bytes, as smaps counts them.</summary>
    public required long RssBytes { get; init; }

    /// <summary>Mapped bytes.</summary>
    public required long VirtualBytes { get; init; }

    /// <summary>Faults so far.</summary>
    public required FaultCountsDto Faults { get; init; }

    /// <summary>Page tables now.</summary>
    public required PageTableBytesDto PageTables { get; init; }

    /// <summary>Mappings now.</summary>
    public required int MappingCount { get; init; }
}

/// <summary>An mmap of a dax device.</summary>
public sealed record CreateMappingRequest
{
    /// <summary>The device, such as <c>dax0.0</c>.</summary>
    /// <example>dax0.0</example>
    [Required]
    public string? Device { get; init; }

    /// <summary>Bytes; the kernel rounds up to 4 KiB.</summary>
    /// <example>64M</example>
    [Required]
    public ByteSize? Length { get; init; }

    /// <summary>Byte offset in the device; default 0.</summary>
    public ByteSize? Offset { get; init; }

    /// <summary>Hint, or with <c>fixed</c> the address, 0x….</summary>
    public string? Address { get; init; }

    /// <summary><c>none</c>, or any of <c>read</c>, <c>write</c>, <c>exec</c>; default read and write.</summary>
    /// <example>["read","write"]</example>
    public IReadOnlyList<string>? Protection { get; init; }

    /// <summary><c>shared</c> (default), <c>shared_validate</c> or <c>private</c>; with <c>fixed</c>, <c>fixed_noreplace</c>,
    /// <c>noreserve</c>, <c>sync</c>, <c>populate</c>, <c>locked</c>.</summary>
    /// <example>["shared"]</example>
    public IReadOnlyList<string>? Flags { get; init; }

    /// <summary>How the descriptor was opened: <c>rdonly</c>, <c>wronly</c> or <c>rdwr</c> (default).</summary>
    public string? OpenMode { get; init; }

    /// <summary>madvise(MADV_DONTFORK) beforehand (only profile linux-4.10 asks for it).</summary>
    public bool DontFork { get; init; }
}

/// <summary>A mapping.</summary>
public sealed record MappingDto
{
    /// <summary>Number in its process; also the path's name.</summary>
    public required int Id { get; init; }

    /// <summary>Pid of its process.</summary>
    public required int Pid { get; init; }

    /// <summary>The device.</summary>
    public required string Device { get; init; }

    /// <summary>First address, 0x….</summary>
    public required string Start { get; init; }

    /// <summary>First address behind it, 0x….</summary>
    public required string End { get; init; }

    /// <summary>Bytes.</summary>
    public required long Length { get; init; }

    /// <summary>Byte offset in the device.</summary>
    public required long Offset { get; init; }

    /// <summary>Protection.</summary>
    public required IReadOnlyList<string> Protection { get; init; }

    /// <summary>As smaps prints them, such as <c>rd wr sh mr mw me ms sd hg</c>.</summary>
    public required string VmFlags { get; init; }

    /// <summary>Granule of its faults.</summary>
    public required long PageSize { get; init; }

    /// <summary>Bytes present in the page tables.</summary>
    public required long PresentBytes { get; init; }
}

/// <summary>Changes a mapping's protection.</summary>
public sealed record ProtectMappingRequest
{
    /// <summary>New protection.</summary>
    /// <example>["read"]</example>
    [Required]
    public IReadOnlyList<string>? Protection { get; init; }
}

/// <summary>Loads or stores by a process.</summary>
public sealed record CreateAccessRequest
{
    /// <summary>First address, 0x…; or give <see cref="Mapping"/> and <see cref="Offset"/>.</summary>
    public string? Address { get; init; }

    /// <summary>A mapping of the process.</summary>
    /// <example>1</example>
    public int? Mapping { get; init; }

    /// <summary>Byte offset in that mapping; default 0.</summary>
    public ByteSize? Offset { get; init; }

    /// <summary><c>read</c> (default) or <c>write</c>.</summary>
    /// <example>write</example>
    public string? Kind { get; init; }

    /// <summary>Bytes of the range that is touched; default 8.</summary>
    /// <example>64M</example>
    public ByteSize? Length { get; init; }

    /// <summary>
    /// Distance between touches of 8 bytes each; absent: every byte of the range is accessed (at most 16 MiB a request).
    /// </summary>
    /// <example>4K</example>
    public ByteSize? Stride { get; init; }

    /// <summary>What to store, base64; absent: bytes are touched, not changed. Needs no <see cref="Stride"/>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] // a null array would be written as ""
    public byte[]? Data { get; init; }

    /// <summary>Return the bytes that were read (at most 1 MiB).</summary>
    public bool ReturnData { get; init; }

    /// <summary>Return a record of each fault attempt (at most 1,000).</summary>
    public bool Trace { get; init; }
}

/// <summary>A signal a process got.</summary>
public sealed record SignalDto
{
    /// <summary><c>SIGBUS</c>, <c>SIGSEGV</c> or <c>SIGKILL</c>.</summary>
    public required string Signal { get; init; }

    /// <summary><c>BUS_ADRERR</c>, <c>BUS_MCEERR_AR</c>, <c>BUS_MCEERR_AO</c>, <c>SEGV_MAPERR</c>, <c>SEGV_ACCERR</c>.</summary>
    public required string Code { get; init; }

    /// <summary>si_addr, 0x….</summary>
    public required string Address { get; init; }

    /// <summary>si_addr_lsb of a memory error: 12, 21 or 30.</summary>
    public int? AddressLsb { get; init; }
}

/// <summary>One attempt of a fault.</summary>
public sealed record FaultRecordDto
{
    /// <summary>Number of the fault; attempts of one access share it.</summary>
    public required long Fault { get; init; }

    /// <summary>Page-masked address, 0x….</summary>
    public required string Address { get; init; }

    /// <summary><c>pte</c>, <c>pmd</c> or <c>pud</c>.</summary>
    public required string Size { get; init; }

    /// <summary>The handler: <c>fault</c> or <c>huge_fault</c>.</summary>
    public required string Handler { get; init; }

    /// <summary><c>nopage</c>, <c>fallback</c>, <c>sigbus</c>, <c>oom</c>.</summary>
    public required string Result { get; init; }

    /// <summary>Physical address that was mapped, 0x….</summary>
    public string? Physical { get; init; }
}

/// <summary>What accesses met.</summary>
public sealed record AccessDto
{
    /// <summary><c>completed</c> or <c>signalled</c>.</summary>
    public required string Outcome { get; init; }

    /// <summary>Accesses that completed.</summary>
    public required long Completed { get; init; }

    /// <summary>The signal that ended them.</summary>
    public SignalDto? Signal { get; init; }

    /// <summary>Faults these accesses took.</summary>
    public required FaultCountsDto Faults { get; init; }

    /// <summary>Page tables of the process afterwards.</summary>
    public required PageTableBytesDto PageTables { get; init; }

    /// <summary>The fault attempts, if asked for.</summary>
    public IReadOnlyList<FaultRecordDto>? Trace { get; init; }

    /// <summary>The bytes read, if asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] // a null array would be written as ""
    public byte[]? Data { get; init; }

    /// <summary>Kernel messages raised.</summary>
    public IReadOnlyList<string>? Messages { get; init; }
}

/// <summary>A process's page tables.</summary>
public sealed record PageTablesDto
{
    /// <summary>Pid.</summary>
    public required int Pid { get; init; }

    /// <summary>Bytes by level.</summary>
    public required PageTableBytesDto Bytes { get; init; }

    /// <summary>VmPTE as /proc/pid/status shows it, in KiB.</summary>
    public required long VmPteKiB { get; init; }

    /// <summary>Entries present by size.</summary>
    public required LeafCountsDto Leaves { get; init; }

    /// <summary>Faults so far.</summary>
    public required FaultCountsDto Faults { get; init; }
}

/// <summary>Present leaf entries by size.</summary>
public sealed record LeafCountsDto
{
    /// <summary>4 KiB.</summary>
    public required long Pte { get; init; }

    /// <summary>2 MiB.</summary>
    public required long Pmd { get; init; }

    /// <summary>1 GiB.</summary>
    public required long Pud { get; init; }
}
