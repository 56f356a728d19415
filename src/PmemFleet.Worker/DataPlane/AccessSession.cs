using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Processes;
using PmemFleet.DeviceDax.AddressSpaces;
using PmemFleet.DeviceDax.Faults;
using PmemFleet.DeviceDax.Primitives;
using PmemFleet.Nvdimm.Badblocks;
using PmemFleet.Worker.Hosts;

namespace PmemFleet.Worker.DataPlane;

/// <summary>
/// Loads and stores of a process: through the fault engine, and to the media behind the mapping. A load from poison makes the line known
/// to the bus; a store clears nothing (spec 60 section 3). The simulated program handles its signals and lives on.
/// </summary>
internal static class AccessSession
{
    private const long MostTouches = 1 << 22;
    private const long MostBytes = 16 << 20;
    private const long MostReturned = 1 << 20;
    private const int MostTraced = 1000;
    private const int TouchBytes = 8;

    /// <summary>57 bits: five levels of page tables.</summary>
    private const long AddressSpaceBytes = 1L << 57;

    public static Answer<AccessDto> Run(LiveHost host, int pid, CreateAccessRequest request)
    {
        if (host.Machine!.FindProcess(pid) is not { } process)
        {
            return ProcessSession.Missing(pid);
        }

        var start = 0UL;
        return (Check(request) ?? Locate(host, process, request, out start) ?? CheckBytes(process, request, start)) is { } malformed
            ? malformed
            : new Session(host, process, request, start).Run();
    }

    private static RefusalDto? Check(CreateAccessRequest request)
    {
        var length = request.Data?.Length ?? request.Length?.Value ?? TouchBytes;
        if (request.Kind is not (null or "read" or "write"))
        {
            return Refusals.Of("EINVAL", "unknown-value", $"'{request.Kind}' is not a kind of access.") with { Subject = "kind", Allowed = ["read", "write"] };
        }

        if (length <= 0)
        {
            return Refusals.Of("EINVAL", "empty-access", "An access has at least one byte.") with { Subject = "length" };
        }

        if (length > AddressSpaceBytes)
        {
            return Refusals.Of("EINVAL", "access-too-long", "No address space is that large.", ("length", length), ("most", AddressSpaceBytes)) with { Subject = "length" };
        }

        if (request.Data is not null && (request.Kind != "write" || request.Stride is not null))
        {
            return Refusals.Of("EINVAL", "data-needs-write", "Data goes with kind write and without a stride.") with { Subject = "data" };
        }

        if (request.Stride is { } stride)
        {
            return stride.Value < TouchBytes || length / stride.Value > MostTouches
                ? Refusals.Of("EINVAL", "too-many-touches", "A stride is 8 bytes or more, and a request makes at most 4,194,304 touches; a workload makes more.", ("stride", stride.Value), ("length", length)) with { Subject = "stride" }
                : null;
        }

        var most = request.ReturnData ? MostReturned : MostBytes;
        return length > most ? Refusals.Of("EINVAL", "access-too-long", "The range is too long for one request; give a stride to touch it.", ("length", length), ("most", most)) with { Subject = "length" } : null;
    }

    /// <summary>Bytes are kept for persistent memory only; a program's own text, heap and stack are touched but hold none.</summary>
    private static RefusalDto? CheckBytes(Process process, CreateAccessRequest request, ulong start)
    {
        if (request.Data is null && (!request.ReturnData || request.Stride is not null))
        {
            return request.ReturnData ? Refusals.Of("EINVAL", "data-needs-no-stride", "Bytes are returned of a range without a stride.") with { Subject = "returnData" } : null;
        }

        var end = start + (ulong)(request.Data?.Length ?? request.Length?.Value ?? TouchBytes);
        return process.Mappings.Any(mapping => mapping.Device is null && mapping.Start.Value < end && mapping.End.Value > start)
            ? Refusals.Of("EINVAL", "not-dax-memory", "The range is not all of a dax device: this memory holds no bytes.") with { Subject = "address" }
            : null;
    }

    private static RefusalDto? Locate(LiveHost host, Process process, CreateAccessRequest request, out ulong start)
    {
        start = 0;
        if (request.Mapping is { } id)
        {
            if (MappingSession.Find(host, process.Pid, id, out _, out var mapping) is { } missing)
            {
                return missing.Code == "not-found" ? missing with { Subject = "mapping" } : missing;
            }

            start = mapping!.Start.Value + (ulong)(request.Offset?.Value ?? 0);
            return request.Address is null ? null : Refusals.Of("EINVAL", "two-addresses", "Give an address or a mapping, not both.") with { Subject = "address" };
        }

        return request.Address is { } text && MappingSession.TryParseAddress(text, out start)
            ? null
            : Refusals.Of("EINVAL", "malformed-address", "Give an address (0x…) or a mapping.") with { Subject = "address" };
    }

    private sealed class Session(LiveHost host, Process process, CreateAccessRequest request, ulong start)
    {
        private readonly List<FaultRecordDto> _trace = [];
        private readonly AccessKind _kind = request.Kind == "write" ? AccessKind.Write : AccessKind.Read;
        private readonly long _length = request.Data?.Length ?? request.Length?.Value ?? TouchBytes;
        private readonly int _logBefore = host.Machine!.KernelLog.Count;
        private readonly FaultCounts _before = process.Faults;

        public AccessDto Run()
        {
            var completed = 0L;
            var signal = default(SignalInfo);
            var step = request.Stride?.Value ?? _length;
            for (var offset = 0L; offset < _length && signal.Signal is null; offset += step)
            {
                var bytes = request.Stride is null ? _length : Math.Min(TouchBytes, _length - offset);
                var outcome = process.Access(new VirtualAddress(start + (ulong)offset), _kind, (ulong)bytes);
                Keep(outcome);
                signal = outcome.Signal;
                completed += outcome.Result == AccessResult.Ok ? 1 : 0;
            }

            if (ProcessSession.Show(signal) is { } received)
            {
                host.Notes.Signalled(process.Pid, received);
            }

            return Show(completed, signal, signal.Signal is null ? Move() : null);
        }

        private AccessDto Show(long completed, SignalInfo signal, byte[]? data)
        {
            var after = process.Faults;
            var (now, then) = (ProcessSession.Show(after), ProcessSession.Show(_before));
            return new AccessDto
            {
                Outcome = signal.Signal is null ? "completed" : "signalled",
                Completed = completed,
                Signal = ProcessSession.Show(signal),
                Faults = new FaultCountsDto
                {
                    Pte = now.Pte - then.Pte,
                    Pmd = now.Pmd - then.Pmd,
                    Pud = now.Pud - then.Pud,
                    Fallback = now.Fallback - then.Fallback,
                    Signalled = now.Signalled - then.Signalled,
                },
                PageTables = ProcessSession.Show(process.PageTables),
                Trace = request.Trace ? _trace : null,
                Data = data,
                Messages = [.. host.Machine!.KernelLog.Skip(_logBefore)],
            };
        }

        private void Keep(in AccessOutcome outcome)
        {
            if (outcome.MachineCheck is { } line)
            {
                host.MakeKnown(new ByteRange((long)line.Start.Value, (long)line.Length.Value));
                host.MarkPoisoned((long)line.Start.Value, 1L << (outcome.Signal.AddressLsb ?? (int)PageGranules.PageShift));
            }

            if (!request.Trace)
            {
                return;
            }

            for (var at = 0; at < outcome.Trace.Count && _trace.Count < MostTraced; at++)
            {
                var attempt = outcome.Trace[at];
                _trace.Add(new FaultRecordDto
                {
                    Fault = outcome.Trace.Record.Id,
                    Address = outcome.Trace.Record.Address.ToString(),
                    Size = Name(attempt.Tag),
                    Handler = attempt.Tag == PageGranule.Pte ? "fault" : "huge_fault",
                    Result = Name(attempt.Result),
                    Physical = attempt.Result == FaultResult.NoPage ? outcome.Physical?.ToString() : null,
                });
            }
        }

        /// <summary>The bytes themselves, page by page, where the request carries or asks for them.</summary>
        private byte[]? Move()
        {
            if (request.Data is null && !request.ReturnData)
            {
                return null;
            }

            if (host.IsRehearsal && request.Data is not null)
            {
                return request.ReturnData ? request.Data : null;
            }

            var bytes = request.Data ?? new byte[_length];
            for (var done = 0; done < bytes.Length;)
            {
                var address = start + (ulong)done;
                var inPage = (int)(address & (PageGranules.PageBytes - 1));
                var count = Math.Min(bytes.Length - done, (int)PageGranules.PageBytes - inPage);
                var physical = (long)(process.PhysicalOf(new VirtualAddress(address))?.Value ?? throw new InvalidOperationException("an accessed page is not present"));
                if (request.Data is null)
                {
                    host.Memory.Read(physical, bytes.AsSpan(done, count));
                }
                else
                {
                    host.Memory.Write(physical, bytes.AsSpan(done, count));
                }

                done += count;
            }

            if (request.Data is not null)
            {
                foreach (var dimm in host.Memory.Dimms)
                {
                    dimm.Flush();
                }
            }

            return request.ReturnData ? bytes : null;
        }

        private static string Name(PageGranule tag) => tag switch { PageGranule.Pte => "pte", PageGranule.Pmd => "pmd", _ => "pud" };

        private static string Name(FaultResult result) => result switch
        {
            FaultResult.NoPage => "nopage",
            FaultResult.Fallback => "fallback",
            FaultResult.SigBus => "sigbus",
            _ => "oom",
        };
    }
}
