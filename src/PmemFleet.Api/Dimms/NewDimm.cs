using System.Globalization;
using System.Text;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts.Dimms;
using PmemFleet.Contracts.Problems;
using PmemFleet.Nvdimm.Model;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Api.Dimms;

/// <summary>A DIMM to plug, as it comes from the wire.</summary>
public sealed record NewDimm(DimmSnapshot Snapshot, int ClearErrorUnit)
{
    private const long LeastCapacity = 16 * Bytes.MiB;
    private const long MostCapacity = 16 * Bytes.TiB;
    private const long PageBytes = 4096;
    private const int LeastLabelArea = 1024;
    public const int MostLabelArea = 16 << 20;
    public const int DefaultLabelArea = 128 << 10;
    public const int DefaultClearErrorUnit = 256;

    /// <summary>Intel, as the NFIT has it: ndctl shows 8086.</summary>
    public const ushort DefaultVendor = 0x8680;

    /// <param name="request">From the wire.</param>
    /// <param name="at">JSON pointer of the request in the body, with a slash at its end, or nothing.</param>
    /// <param name="host">The host's name.</param>
    /// <param name="slot">The number it will get.</param>
    /// <param name="id">Its stable id.</param>
    public static (NewDimm? Dimm, RefusalDto? Refusal) Read(CreateDimmRequest request, string at, string host, int slot, Guid id)
    {
        var capacity = request.Capacity?.Value ?? 0;
        if (capacity is < LeastCapacity or > MostCapacity || capacity % PageBytes != 0)
        {
            return (null, Refusals.Invalid("dimm-capacity", $"{at}capacity", "A DIMM's capacity is a multiple of 4 KiB, 16 MiB to 16 TiB.",
                Math.Clamp(capacity / PageBytes * PageBytes, LeastCapacity, MostCapacity).ToString(CultureInfo.InvariantCulture)).With("capacity", capacity));
        }

        var labels = request.LabelSize?.Value ?? DefaultLabelArea;
        if (labels != 0 && labels is < LeastLabelArea or > MostLabelArea)
        {
            return (null, Refusals.Invalid("label-area-size", $"{at}labelSize", "A label storage area has no bytes, or 1 KiB to 16 MiB.", "0", "1024", "131072", "16777216")
                .With("labelSize", labels));
        }

        var unit = request.ClearErrorUnit?.Value ?? DefaultClearErrorUnit;
        if (unit is < 64 or > 4096 || (unit & (unit - 1)) != 0)
        {
            return (null, Refusals.Invalid("clear-error-unit", $"{at}clearErrorUnit", "A clear-error unit is a power of two, 64 to 4096.", "64", "128", "256", "512", "1024", "2048", "4096")
                .With("clearErrorUnit", unit));
        }

        if (Number(request.SerialNumber, 32, Derived(host, slot)) is not { } serial)
        {
            return (null, Bad($"{at}serialNumber", 32));
        }

        if (Number(request.VendorId, 16, DefaultVendor) is not { } vendor)
        {
            return (null, Bad($"{at}vendorId", 16));
        }

        if (Number(request.ManufacturingDate, 16, 0) is not { } date)
        {
            return (null, Bad($"{at}manufacturingDate", 16));
        }

        if (Number(request.ManufacturingLocation, 8, 0) is not { } location
            || (request.ManufacturingLocation is not null && request.ManufacturingDate is null))
        {
            return (null, Bad($"{at}manufacturingLocation", 8));
        }

        return (new NewDimm(
            new DimmSnapshot
            {
                Id = slot,
                Uuid = id,
                Capacity = new Bytes(capacity),
                LabelAreaBytes = labels == 0 ? null : (int)labels,
                Handle = (uint)slot + 1,
                PhysicalId = (ushort)slot,
                SerialNumber = (uint)serial,
                VendorId = (ushort)vendor,
                ManufacturingDate = (ushort)date,
                ManufacturingLocation = (byte)location,
                Conditions = request.Armed == false ? DimmConditions.NotArmed : DimmConditions.None,
            },
            (int)unit), null);
    }

    private static RefusalDto Bad(string subject, int bits) =>
        Refusals.Invalid("nfit-number", subject, $"This is a number of {bits} bits, decimal or 0x…, and a location needs a date.", "0", $"0x{(1UL << bits) - 1:x}");

    private static ulong? Number(string? text, int bits, uint absent)
    {
        if (text is null)
        {
            return absent;
        }

        var hex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        return ulong.TryParse(hex ? text.AsSpan(2) : text, hex ? NumberStyles.AllowHexSpecifier : NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number >> bits == 0 ? number : null;
    }

    /// <summary>FNV-1a of host and slot: the same fleet gets the same serial numbers, and so the same cookies and labels.</summary>
    public static uint Derived(string host, int slot)
    {
        var hash = 2166136261u;
        foreach (var value in Encoding.UTF8.GetBytes($"{host}/{slot}"))
        {
            hash = (hash ^ value) * 16777619u;
        }

        return hash;
    }
}
