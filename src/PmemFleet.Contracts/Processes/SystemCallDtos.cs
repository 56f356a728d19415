using System.ComponentModel.DataAnnotations;

namespace PmemFleet.Contracts.Processes;

/// <summary>A system call of a process, by Linux's rules and with its errno. Members a call does not know are ignored by it, as registers are.</summary>
public sealed record CreateSystemCallRequest
{
    /// <summary>
    /// Memory: <c>munmap</c>, <c>mprotect</c>, <c>mremap</c>, <c>madvise</c>, <c>msync</c>, <c>mlock</c>, <c>mincore</c>. Descriptors: <c>open</c>,
    /// <c>close</c>, <c>read</c>, <c>write</c>, <c>lseek</c>, <c>fsync</c>, <c>fallocate</c>, <c>ftruncate</c>, <c>ioctl</c>, <c>fadvise</c>.
    /// A driver's get_user_pages: <c>pin</c>, <c>unpin</c>; with a transfer, <c>dma</c>. The kernel reads the memory, as write(2) to a pipe does:
    /// <c>copy</c>. Poison is EIO of a <c>dma</c>, EFAULT of a <c>copy</c>, and is known from then on.
    /// </summary>
    /// <example>madvise</example>
    [Required]
    public string? Call { get; init; }

    /// <summary>First address, 0x…; or give <see cref="Mapping"/> and <see cref="Offset"/>.</summary>
    public string? Address { get; init; }

    /// <summary>A mapping of the process instead of an address.</summary>
    /// <example>1</example>
    public int? Mapping { get; init; }

    /// <summary>Byte offset in that mapping; default 0.</summary>
    public ByteSize? Offset { get; init; }

    /// <summary>Bytes; default from there to the mapping's end.</summary>
    /// <example>2M</example>
    public ByteSize? Length { get; init; }

    /// <summary>mremap: the new length.</summary>
    public ByteSize? NewLength { get; init; }

    /// <summary>mremap with <c>fixed</c>: the new address, 0x….</summary>
    public string? NewAddress { get; init; }

    /// <summary>mprotect: <c>none</c>, or any of <c>read</c>, <c>write</c>, <c>exec</c>.</summary>
    public IReadOnlyList<string>? Protection { get; init; }

    /// <summary>
    /// open: <c>rdonly</c>, <c>wronly</c>, <c>rdwr</c>, <c>creat</c>, <c>excl</c>, <c>trunc</c>, <c>append</c>, <c>nonblock</c>, <c>direct</c>, <c>sync</c>, <c>directory</c>, <c>path</c>. mremap:
    /// <c>maymove</c>, <c>fixed</c>, <c>dontunmap</c>. msync: <c>async</c>, <c>invalidate</c>, <c>sync</c>.
    /// </summary>
    public IReadOnlyList<string>? Flags { get; init; }

    /// <summary>madvise: Linux's name without MADV_, in lower case, such as <c>dontneed</c>, <c>dontfork</c>, <c>populate_write</c>, <c>hwpoison</c>.</summary>
    /// <example>dontneed</example>
    public string? Advice { get; init; }

    /// <summary>open: the path, such as <c>/dev/dax0.0</c>.</summary>
    public string? Path { get; init; }

    /// <summary>The descriptor of the calls on one.</summary>
    public int? Descriptor { get; init; }

    /// <summary>lseek: 0 (default), 1 or 2.</summary>
    public int? Whence { get; init; }

    /// <summary>pin, dma: for writing to the memory.</summary>
    public bool Write { get; init; }

    /// <summary>unpin: the pin's number.</summary>
    public int? Pin { get; init; }
}

/// <summary>What a system call returned; where it failed, the answer is a problem with its errno instead.</summary>
public sealed record SystemCallDto
{
    /// <summary>The call.</summary>
    public required string Call { get; init; }

    /// <summary>Its value: a descriptor, a position, a count of bytes, a pin's number; 0 where it has none.</summary>
    public required long Value { get; init; }

    /// <summary>mremap: the new address, 0x….</summary>
    public string? Address { get; init; }

    /// <summary>pin: physical addresses of its pages, the first 1,000.</summary>
    public IReadOnlyList<string>? Pages { get; init; }

    /// <summary>Kernel messages raised.</summary>
    public required IReadOnlyList<string> Messages { get; init; }
}

/// <summary><c>/proc/{pid}/smaps</c> as data.</summary>
public sealed record SmapsDto
{
    /// <summary>Pid.</summary>
    public required int Pid { get; init; }

    /// <summary>One entry a mapping, in address order.</summary>
    public required IReadOnlyList<SmapsEntryDto> Entries { get; init; }
}

/// <summary>One mapping as smaps shows it.</summary>
public sealed record SmapsEntryDto
{
    /// <summary>First address, 0x….</summary>
    public required string Start { get; init; }

    /// <summary>First address behind it, 0x….</summary>
    public required string End { get; init; }

    /// <summary>Such as <c>rw-s</c>.</summary>
    public required string Permissions { get; init; }

    /// <summary>Byte offset in the file.</summary>
    public required long Offset { get; init; }

    /// <summary>Inode number.</summary>
    public required long Inode { get; init; }

    /// <summary>The file; empty for anonymous memory.</summary>
    public required string Path { get; init; }

    /// <summary>Bytes mapped.</summary>
    public required long Size { get; init; }

    /// <summary>KernelPageSize and MMUPageSize, bytes.</summary>
    public required long PageSize { get; init; }

    /// <summary>Rss, bytes: of dax pages only the 2 MiB ones are counted, as the kernel does.</summary>
    public required long Rss { get; init; }

    /// <summary>Private_Dirty, bytes.</summary>
    public required long PrivateDirty { get; init; }

    /// <summary>Such as <c>rd wr sh mr mw me ms sd hg</c>.</summary>
    public required string VmFlags { get; init; }
}
