namespace PmemFleet.DeviceDax.PageTables;

internal sealed partial class PageTable
{
    /// <summary>
    /// Moves the entries of a range, as mremap does: piece by piece, no piece crossing a 2 MiB border of either side. A
    /// piece without a table on the old side makes none on the new side. A 2 MiB page that can't keep its alignment is
    /// dropped, and leaves the new side's PMD table behind. 1 GiB pages are not moved: <see cref="DropPuds"/> first.
    /// </summary>
    public void Move(ulong from, ulong length, ulong to)
    {
        for (ulong done = 0; done < length;)
        {
            var (source, target) = (from + done, to + done);
            var piece = Math.Min(length - done, Math.Min(ToBorder(source, 21), ToBorder(target, 21)));
            if (IsPudNone(source))
            {
                done += Math.Min(length - done, ToBorder(source, 30));
                continue;
            }

            if (!IsPmdNone(source))
            {
                MovePiece(source, target, piece);
            }

            done += piece;
        }
    }

    private static ulong ToBorder(ulong address, int shift) => (((address >> shift) + 1) << shift) - address;

    private void MovePiece(ulong source, ulong target, ulong piece)
    {
        _ = EnsureUnlimitedPud(target);
        if (MutableTop(target).Child(Index(target, 30)) is null)
        {
            MutableTop(target).SetChild(Index(target, 30), new PmdTable());
            PmdTables++;
        }

        var pmd = Top(source)!.Child(Index(source, 30))!;
        var entry = Index(source, 21);
        if (pmd.HasPage(entry))
        {
            var isDirty = pmd.IsDirty(entry);
            Zap(source, source + piece);
            if (piece == 1UL << 21)
            {
                SetPmd(target, isDirty);
            }

            return;
        }

        var targetTable = Index(target, 21);
        PteTables += MutablePmd(target).MutablePtes().AddTable(targetTable) ? 1 : 0;
        var first = Index(source, 12);
        for (var i = 0; i < (int)(piece >> 12); i++)
        {
            if (pmd.Ptes!.Has(entry, first + i))
            {
                var slot = Index(target, 12) + i;
                PtePages += MutablePmd(target).MutablePtes().SetRange(targetTable, slot, slot + 1);
            }
        }

        Zap(source, source + piece);
        Collapse(target);
    }
}
