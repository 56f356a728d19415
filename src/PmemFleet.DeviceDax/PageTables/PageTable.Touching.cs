using System.Runtime.CompilerServices;

namespace PmemFleet.DeviceDax.PageTables;

internal sealed partial class PageTable
{
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
