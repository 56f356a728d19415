using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.Faults;

/// <summary>Whether an access loads or stores.</summary>
public enum AccessKind
{
    /// <summary>A load.</summary>
    Read,

    /// <summary>A store.</summary>
    Write,
}

/// <summary>How an access ended.</summary>
public enum AccessResult
{
    /// <summary>Every byte was reached.</summary>
    Ok,

    /// <summary>The process got SIGBUS.</summary>
    SigBus,

    /// <summary>The process got SIGSEGV.</summary>
    SigSegv,

    /// <summary>No memory for a page-table page: the kernel's OOM killer would act.</summary>
    Oom,
}

/// <summary><c>si_code</c> of the two signals, with Linux's numbers.</summary>
public enum SignalCode
{
    /// <summary>No signal.</summary>
    None = 0,

    /// <summary>SIGSEGV: no mapping at the address.</summary>
    SegvMapErr = 1,

    /// <summary>SIGSEGV: the mapping forbids the access; SIGBUS uses 2 for <see cref="BusAdrErr"/>.</summary>
    SegvAccErr = 0x102,

    /// <summary>SIGBUS: nothing behind the address.</summary>
    BusAdrErr = 2,

    /// <summary>SIGBUS: this thread consumed poison; it must act.</summary>
    BusMceErrAr = 4,

    /// <summary>SIGBUS: poison was found in a page that is mapped here; acting is optional.</summary>
    BusMceErrAo = 5,
}

/// <summary>What <c>siginfo_t</c> would hold.</summary>
/// <param name="Code">The code; <see cref="Number"/> gives Linux's own value.</param>
/// <param name="Address"><c>si_addr</c>.</param>
/// <param name="AddressLsb"><c>si_addr_lsb</c> of a memory error (12, 21 or 30), otherwise null.</param>
public readonly record struct SignalInfo(SignalCode Code, VirtualAddress Address, int? AddressLsb)
{
    /// <summary><c>si_code</c> as Linux numbers it.</summary>
    public int Number => (int)Code & 0xff;

    /// <summary><c>SIGBUS</c> or <c>SIGSEGV</c>; null without a signal.</summary>
    public string? Signal => Code switch
    {
        SignalCode.None => null,
        SignalCode.SegvMapErr or SignalCode.SegvAccErr => "SIGSEGV",
        _ => "SIGBUS",
    };

    /// <summary>The code's name in Linux's headers, such as <c>BUS_ADRERR</c>.</summary>
    public string? CodeName => Code switch
    {
        SignalCode.SegvMapErr => "SEGV_MAPERR",
        SignalCode.SegvAccErr => "SEGV_ACCERR",
        SignalCode.BusAdrErr => "BUS_ADRERR",
        SignalCode.BusMceErrAr => "BUS_MCEERR_AR",
        SignalCode.BusMceErrAo => "BUS_MCEERR_AO",
        _ => null,
    };
}

/// <summary>How one access of a process ended. Holds no reference to what it would have to allocate.</summary>
public readonly record struct AccessOutcome
{
    /// <summary>The end.</summary>
    public AccessResult Result { get; init; }

    /// <summary>The signal, if one was raised.</summary>
    public SignalInfo Signal { get; init; }

    /// <summary>Faults that were answered by a mapping: what <c>ru_minflt</c> counts. A fault that ends in a signal isn't counted.</summary>
    public int MinorFaults { get; init; }

    /// <summary>Bytes reached before the end.</summary>
    public ulong BytesReached { get; init; }

    /// <summary>Physical address of the first byte, when it was reached and has one.</summary>
    public PhysicalAddress? Physical { get; init; }

    /// <summary>What the last fault went through; empty when none happened.</summary>
    public FaultTrace Trace { get; init; }

    /// <summary>The poisoned line that was consumed, for the bus's bad range list.</summary>
    public PhysicalRange? MachineCheck { get; init; }
}
