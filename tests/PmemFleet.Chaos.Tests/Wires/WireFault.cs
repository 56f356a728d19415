namespace PmemFleet.Chaos.Tests.Wires;

/// <summary>What the way does to one request.</summary>
internal enum WireFault
{
    /// <summary>Passed on.</summary>
    None,

    /// <summary>The connection breaks before the request is passed on.</summary>
    CutBefore,

    /// <summary>The request has its whole effect, and the answer is lost.</summary>
    CutAfter,

    /// <summary>The connection breaks within the answer.</summary>
    CutWithin,

    /// <summary>The request waits on its way.</summary>
    DelayBefore,

    /// <summary>The answer waits on its way.</summary>
    DelayAfter,

    /// <summary>The request arrives twice, one after the other.</summary>
    Duplicate,

    /// <summary>The request arrives twice at the same time.</summary>
    DuplicateAtOnce,

    /// <summary>A copy of the request arrives once more, much later and behind newer ones.</summary>
    Reorder,

    /// <summary>Something on the way answers in the service's place.</summary>
    ForeignAnswer,
}
