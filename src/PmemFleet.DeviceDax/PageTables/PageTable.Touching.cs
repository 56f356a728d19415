using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace PmemFleet.DeviceDax.PageTables;

internal sealed partial class PageTable
{
    /// <summary>
    /// Asks the memory for the word that <see cref="TouchPte"/> of this address will need. A collection may move the word
    /// meanwhile: then the wrong line is fetched, and nothing else happens.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)] // faults benchmark, uniform-1tib
    public unsafe void PrefetchPte(ulong address)
    {
        var top = (address >> TopShift) - _firstTop;
        var tops = _tops;
        if (!Sse.IsSupported || top >= (ulong)tops.Length)
        {
            return;
        }

        var ptes = Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(tops), (nint)top)?.Child(Index(address, 30))?.Ptes;
        if (ptes?.SlotOf(Index(address, 21)) is { } slot && PageTables.PteTables.IsLine(slot))
        {
            Sse.Prefetch0(Unsafe.AsPointer(ref ptes.WordAt(slot, Index(address, 12))));
        }
    }

    /// <summary>As <see cref="TouchPte"/>, for 2 MiB pages; a write also marks the entry written.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)] // faults benchmark, sequential-2m
    public TouchResult TouchPmd(ulong address, bool isWrite)
    {
        var pmd = Top(address)?.Child(Index(address, 30));
        if (pmd is null)
        {
            return TouchResult.Walk;
        }

        var entry = Index(address, 21);
        if (pmd.HasPage(entry))
        {
            if (isWrite && !pmd.IsDirty(entry))
            {
                SetPmd(address, true);
            }

            return TouchResult.Hit;
        }

        if (pmd.IsShared || !pmd.IsNone(entry))
        {
            return TouchResult.Walk;
        }

        SetPmd(address, isWrite);
        return TouchResult.Mapped;
    }

    /// <summary>As <see cref="TouchPte"/>, for 1 GiB pages: a miss is always walked.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)] // keeps the loop of a workload free of calls
    public TouchResult TouchPud(ulong address) =>
        Top(address)?.HasPage(Index(address, 30)) ?? false ? TouchResult.Hit : TouchResult.Walk;
}
