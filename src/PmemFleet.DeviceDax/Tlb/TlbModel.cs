using System.Runtime.CompilerServices;
using PmemFleet.DeviceDax.Primitives;

namespace PmemFleet.DeviceDax.Tlb;

/// <summary>The caches of one core at work. Not safe for use from two threads at once.</summary>
public sealed class TlbModel
{
    private readonly int _levels;
    private readonly TagArray _firstPte;
    private readonly TagArray _firstPmd;
    private readonly TagArray _firstPud;
    private readonly TagArray _secondShared;
    private readonly TagArray _secondPud;
    private readonly TagArray _walkPmd;
    private readonly TagArray _walkPud;
    private readonly TagArray _walkTop;
    private long _firstHits;
    private long _secondHits;
    private long _walks;
    private long _walkReferences;

    /// <summary>Empty caches.</summary>
    /// <param name="geometry">Their sizes; must be valid.</param>
    /// <param name="levels">Page-table levels, 4 or 5.</param>
    public TlbModel(TlbGeometry geometry, int levels)
    {
        ArgumentNullException.ThrowIfNull(geometry);
        _levels = levels;
        (_firstPte, _firstPmd, _firstPud) = (new(geometry.FirstPte), new(geometry.FirstPmd), new(geometry.FirstPud));
        (_secondShared, _secondPud) = (new(geometry.SecondShared), new(geometry.SecondPud));
        (_walkPmd, _walkPud, _walkTop) = (new(geometry.WalkPmd), new(geometry.WalkPud), new(geometry.WalkTop));
    }

    /// <summary>What was counted since the start; a flush keeps it.</summary>
    public TlbCounts Counts => new(_firstHits, _secondHits, _walks, _walkReferences);

    /// <summary>Empties the caches, as the kernel does after taking entries away.</summary>
    public void Flush()
    {
        foreach (var array in (ReadOnlySpan<TagArray>)[_firstPte, _firstPmd, _firstPud, _secondShared, _secondPud, _walkPmd, _walkPud, _walkTop])
        {
            array.Clear();
        }
    }

    /// <summary>One translation of an address that a page of this size maps.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)] // faults benchmark, accesses-with-tlb: with a constant granule the branches go
    public void Access(ulong address, PageGranule granule)
    {
        var page = address >> (int)granule;
        var first = granule == PageGranule.Pte ? _firstPte : granule == PageGranule.Pmd ? _firstPmd : _firstPud;
        if (first.TouchAgain(page))
        {
            _firstHits++;
            return;
        }

        if (granule == PageGranule.Pte)
        {
            AccessSecondPte(address, page);
        }
        else
        {
            AccessSecond(address, page, granule);
        }
    }

    private void AccessSecondPte(ulong address, ulong page)
    {
        if (_secondShared.Touch(page))
        {
            _secondHits++;
            return;
        }

        _walks++;
        _walkReferences += _walkPmd.Touch(address >> 21) ? 1 : References(address, PageGranule.Pte, isPmdAsked: true);
    }

    private void AccessSecond(ulong address, ulong page, PageGranule granule)
    {
        // In the shared level a 2 MiB page and a 4 KiB page are kept apart by one high bit of the tag.
        var isHit = granule switch
        {
            PageGranule.Pte => _secondShared.Touch(page),
            PageGranule.Pmd => _secondShared.Touch(page | (1UL << 62)),
            _ => _secondPud.Touch(page),
        };
        if (isHit)
        {
            _secondHits++;
            return;
        }

        _walks++;
        _walkReferences += References(address, granule, isPmdAsked: false);
    }

    private int References(ulong address, PageGranule granule, bool isPmdAsked)
    {
        // The deepest cache that has the address decides how much of the walk is left; those above it aren't asked.
        var leafDepth = granule switch { PageGranule.Pte => 4, PageGranule.Pmd => 3, _ => 2 } + (_levels - 4);
        var skipped = granule == PageGranule.Pte && !isPmdAsked && _walkPmd.Touch(address >> 21) ? 3
            : granule < PageGranule.Pud && _walkPud.Touch(address >> 30) ? 2
            : _walkTop.Touch(address >> 39) ? 1
            : 0;
        return leafDepth - (skipped == 0 ? 0 : skipped + (_levels - 4));
    }
}
