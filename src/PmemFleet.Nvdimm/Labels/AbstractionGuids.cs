using PmemFleet.Nvdimm.Binding;

namespace PmemFleet.Nvdimm.Labels;

/// <summary>The GUIDs of v1.2 labels and the claim classes they stand for (spec 10 sections 8 and 10).</summary>
public static class AbstractionGuids
{
    /// <summary>The type guid of a persistent memory range.</summary>
    public static readonly Guid PmemRange = new("66f0d379-b4f3-4074-ac43-0d3318b78cdb");

    internal static readonly Guid Btt = new("8aed63a2-29a2-4c66-8b12-f05d15d3922a");
    internal static readonly Guid Btt2 = new("18633bfc-1735-4217-8ac9-17239282d3f8");
    internal static readonly Guid Pfn = new("266400ba-fb9f-4677-bcb0-968f11d0d225");
    internal static readonly Guid Dax = new("97a86d9c-3cdd-4eda-986f-5068b4f80088");

    /// <summary>The class a label's guid allows.</summary>
    public static ClaimClass ClassOf(Guid abstraction) =>
        abstraction == Guid.Empty ? ClaimClass.None
        : abstraction == Btt ? ClaimClass.Btt
        : abstraction == Btt2 ? ClaimClass.Btt2
        : abstraction == Pfn ? ClaimClass.Pfn
        : abstraction == Dax ? ClaimClass.Dax
        : ClaimClass.Unknown;

    /// <summary>The guid a label carries for a class; an unknown class keeps the label's old guid, <paramref name="unknown"/>.</summary>
    public static Guid For(ClaimClass claim, Guid unknown = default) => claim switch
    {
        ClaimClass.Btt => Btt,
        ClaimClass.Btt2 => Btt2,
        ClaimClass.Pfn => Pfn,
        ClaimClass.Dax => Dax,
        ClaimClass.Unknown => unknown,
        _ => Guid.Empty,
    };
}
