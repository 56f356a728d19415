namespace PmemFleet.Nvdimm.Binding;

/// <summary>Which personality a namespace's label allows to claim it (spec 10 section 10).</summary>
public enum ClaimClass
{
    /// <summary>Any; BTT only as version 1.1.</summary>
    None,

    /// <summary>BTT 1.1, info block at offset 4096.</summary>
    Btt,

    /// <summary>BTT 2.0, info block at offset 0.</summary>
    Btt2,

    /// <summary>PFN: fsdax.</summary>
    Pfn,

    /// <summary>DAX: devdax.</summary>
    Dax,

    /// <summary>An abstraction GUID Linux does not know: nothing may claim, the namespace comes up raw.</summary>
    Unknown,
}
