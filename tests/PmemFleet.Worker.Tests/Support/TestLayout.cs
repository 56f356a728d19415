using PmemFleet.Contracts.Sync;

namespace PmemFleet.Worker.Tests.Support;

/// <summary>A small host: four DIMMs interleaved in one region.</summary>
internal static class TestLayout
{
    public const int Ways = 4;
    public const long DimmBytes = 24L << 20;
    public const long RegionBytes = Ways * DimmBytes;
    public const long Start = 0x1_0000_0000;
    public const int ClearErrorUnit = 256;

    public static readonly Guid ParentUuid = Guid.Parse("f0f0f0f0-0000-4000-8000-00000000000a");

    public static HostLayout New(Guid? seed = null, long dimmBytes = DimmBytes)
    {
        var first = seed ?? Guid.CreateVersion7();
        DimmLayout[] dimms = [.. Enumerable.Range(0, Ways).Select(number => new DimmLayout
        {
            DimmId = DimmId(first, number),
            Name = $"nmem{number}",
            Capacity = dimmBytes,
            ClearErrorUnit = ClearErrorUnit,
        })];
        return new HostLayout
        {
            HostName = "host-1",
            SupportsPud = true,
            PageTableLevels = 4,
            Profile = "linux-6.1",
            Dimms = dimms,
            Regions =
            [
                new RegionLayout
                {
                    RegionId = DimmId(first, 99),
                    Name = "region0",
                    Start = Start,
                    Size = Ways * dimmBytes,
                    Mappings = [.. dimms.Select(dimm => new RegionMappingLayout(dimm.DimmId, 0, dimmBytes))],
                },
            ],
        };
    }

    /// <summary>The whole region as one namespace.</summary>
    public static BindStep Bind(ConfiguredPersonalityDto? configured = null, string claim = "none", long size = RegionBytes) => new()
    {
        Namespace = "namespace0.0",
        NamespaceId = ParentUuid,
        Start = Start,
        Size = size,
        ParentUuid = ParentUuid,
        ClaimClass = claim,
        Configured = configured,
    };

    public static ConfiguredPersonalityDto DevDax { get; } =
        new() { Kind = "dax", Uuid = Guid.Parse("f0f0f0f0-0000-4000-8000-00000000000b"), Map = "mem", Align = 2 << 20 };

    public static ConfiguredPersonalityDto Btt { get; } =
        new() { Kind = "btt", Uuid = Guid.Parse("f0f0f0f0-0000-4000-8000-00000000000c"), SectorSize = 4096 };

    /// <summary>Which DIMM a byte of the region is on, and where (the rule, written down once more).</summary>
    public static DimmRange Place(HostLayout layout, long spa, long length)
    {
        var line = (spa - Start) / 4096;
        return new DimmRange(layout.Dimms[(int)(line % Ways)].DimmId, (line / Ways * 4096) + ((spa - Start) % 4096), length);
    }

    private static Guid DimmId(Guid first, int number)
    {
        var bytes = first.ToByteArray();
        bytes[15] = (byte)number;
        return new Guid(bytes);
    }
}
