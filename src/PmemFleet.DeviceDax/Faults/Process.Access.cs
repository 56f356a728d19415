using PmemFleet.DeviceDax.Devices;
using PmemFleet.DeviceDax.Faults;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.AddressSpaces;

public sealed partial class Process
{
    /// <summary>
    /// A load or store by the process: each page it covers is reached in order, faulting where it must; the first signal
    /// ends it. Allocates nothing unless poison is consumed or a rule of the driver refuses.
    /// </summary>
    /// <param name="address">First byte.</param>
    /// <param name="kind">Load or store.</param>
    /// <param name="length">Bytes, 1 or more.</param>
    public AccessOutcome Access(VirtualAddress address, AccessKind kind, ulong length = 1)
    {
        ArgumentOutOfRangeException.ThrowIfZero(length);
        AccessOutcome outcome;
        Poisoned poisoned;
        lock (_gate)
        {
            outcome = AccessLocked(address.Value, kind, length, out poisoned);
        }

        return poisoned.Device is null ? outcome : Machine.Consume(this, poisoned, outcome);
    }

    internal static PhysicalAddress? Translate(Mapping mapping, ulong address)
    {
        var pageOffset = mapping.PageOffsetOf(address);
        var inPage = address & (PageGranules.PageBytes - 1);
        return mapping.Node switch
        {
            DaxDevice device => device.TryLookup(pageOffset, PageGranules.PageBytes, out var physical) ? new(physical + inPage) : null,
            FsDaxFile file => file.Lookup(pageOffset, PageGranules.PageBytes) is { } at ? new(at + inPage) : null,
            _ => null,
        };
    }

    internal AccessResult PopulateRange(Mapping mapping, ulong start, ulong end, AccessKind kind)
    {
        for (var at = start; at < end;)
        {
            var isPresent = Memory.Table.IsPresent(at, out var granule);
            if (!isPresent)
            {
                var result = FaultEngine.Handle(this, mapping, at, kind == AccessKind.Write, out _);
                if (result != AccessResult.Ok)
                {
                    return result;
                }

                _ = Memory.Table.IsPresent(at, out granule);
            }
            else if (kind == AccessKind.Write && granule == PageGranule.Pmd)
            {
                Memory.Table.SetPmd(at, true);
            }

            at = PageGranules.AlignDown(at, granule.Bytes()) + granule.Bytes();
        }

        return AccessResult.Ok;
    }

    internal long NextFaultId() => ++_faultId;

    private AccessOutcome AccessLocked(ulong start, AccessKind kind, ulong length, out Poisoned poisoned)
    {
        poisoned = default;
        var isWrite = kind == AccessKind.Write;
        var end = start + length;
        var (faults, trace) = (0, default(FaultTrace));
        PhysicalAddress? first = null;
        if (end < start)
        {
            return new() { Result = AccessResult.SigSegv, Signal = new(SignalCode.SegvMapErr, new(start), null) };
        }

        for (var at = start; at < end;)
        {
            var mapping = _hasExited ? null : Memory.Find(at);
            if (mapping is null || !mapping.Allows(isWrite))
            {
                var code = mapping is null ? SignalCode.SegvMapErr : SignalCode.SegvAccErr;
                return new()
                {
                    Result = AccessResult.SigSegv,
                    Signal = new(code, new(at), null),
                    MinorFaults = faults,
                    BytesReached = at - start,
                    Physical = first,
                    Trace = trace,
                };
            }

            if (!Memory.Table.IsPresent(at, out var granule))
            {
                var result = FaultEngine.Handle(this, mapping, at, isWrite, out trace);
                if (result != AccessResult.Ok)
                {
                    return new()
                    {
                        Result = result,
                        Signal = result == AccessResult.SigBus ? new(SignalCode.BusAdrErr, new(at), null) : default,
                        MinorFaults = faults,
                        BytesReached = at - start,
                        Physical = first,
                        Trace = trace,
                    };
                }

                faults++;
                _ = Memory.Table.IsPresent(at, out granule);
            }
            else if (isWrite && granule == PageGranule.Pmd)
            {
                Memory.Table.SetPmd(at, true);
            }

            var next = Math.Min(end, PageGranules.AlignDown(at, granule.Bytes()) + granule.Bytes());
            var physical = Translate(mapping, at);
            first ??= at == start ? physical : null;
            if (!isWrite && physical is { } from && Machine.PoisonSource is { } source && mapping.Device is { } device
                && source.TryFindPoison(new(from, new(next - at)), out var bad))
            {
                poisoned = new(device, bad, at + (bad.Value - from.Value));
                return new() { MinorFaults = faults, BytesReached = poisoned.Address - start, Physical = first, Trace = trace };
            }

            at = next;
        }

        return new() { Result = AccessResult.Ok, MinorFaults = faults, BytesReached = length, Physical = first, Trace = trace };
    }

    /// <summary>A load that reached poison.</summary>
    internal readonly record struct Poisoned(DaxDevice? Device, PhysicalAddress Physical, ulong Address);
}
