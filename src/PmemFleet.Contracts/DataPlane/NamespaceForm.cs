using System.Globalization;

namespace PmemFleet.Contracts.DataPlane;

/// <summary>
/// What a namespace is bound as, as one text that the Api makes of its rows and a worker of what it has bound: where the two are the same, the byte at an
/// offset is the same byte. The uuid alone does not say so: a caller may choose it again for other sectors or another alignment.
/// </summary>
public static class NamespaceForm
{
    /// <summary>No personality: the namespace's own bytes.</summary>
    public const string Raw = "raw";

    /// <param name="kind"><c>raw</c>, <c>btt</c>, <c>pfn</c> or <c>dax</c>.</param>
    /// <param name="uuid">The personality's.</param>
    /// <param name="size">Its usable bytes.</param>
    /// <param name="sectorSize">BTT: external sector size.</param>
    /// <param name="dataStart">PFN, DAX: where the usable bytes begin in the namespace.</param>
    public static string Of(string kind, Guid? uuid, long? size, long? sectorSize, long dataStart) => kind == Raw
        ? Raw
        : string.Create(CultureInfo.InvariantCulture, $"{kind}.{uuid:N}.{size ?? 0}.{sectorSize ?? 0}.{dataStart}");
}
