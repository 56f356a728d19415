using PmemFleet.Contracts.Sync;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Worker.Tasks;

/// <summary>Binds between the wire's form and the library's.</summary>
internal static class BindWire
{
    public static BindPlan ToPlan(BindStep step, bool supportsPud) => new()
    {
        Namespace = step.Namespace,
        Start = new Spa(step.Start),
        Size = new Bytes(step.Size),
        ParentUuid = step.ParentUuid,
        ClaimClass = step.ClaimClass switch
        {
            "none" => ClaimClass.None,
            "btt" => ClaimClass.Btt,
            "btt2" => ClaimClass.Btt2,
            "pfn" => ClaimClass.Pfn,
            "dax" => ClaimClass.Dax,
            _ => ClaimClass.Unknown,
        },
        ForceRaw = step.ForceRaw,
        LogicalBlockBytes = step.LogicalBlockBytes,
        ReadOnly = step.ReadOnly,
        SupportsPud = supportsPud,
        Configured = step.Configured is not { } wanted ? null : new ConfiguredPersonality
        {
            Kind = wanted.Kind switch { "btt" => PersonalityKind.Btt, "pfn" => PersonalityKind.Pfn, _ => PersonalityKind.Dax },
            Uuid = wanted.Uuid,
            Map = wanted.Map switch { "mem" => MapLocation.Ram, "dev" => MapLocation.Pmem, _ => null },
            Align = wanted.Align is { } align ? new Bytes(align) : null,
            SectorSize = wanted.SectorSize is { } sector ? new Bytes(sector) : null,
        },
    };

    public static ConfiguredPersonalityDto? Of(ConfiguredPersonality? claim) => claim is null ? null : new ConfiguredPersonalityDto
    {
        Kind = claim.Kind switch { PersonalityKind.Btt => "btt", PersonalityKind.Pfn => "pfn", _ => "dax" },
        Uuid = claim.Uuid,
        Map = claim.Map switch { MapLocation.Ram => "mem", MapLocation.Pmem => "dev", _ => null },
        Align = claim.Align?.Value,
        SectorSize = claim.SectorSize?.Value,
    };

    public static StepBound ToBound(string name, BindOutcome outcome) => outcome switch
    {
        BindOutcome.Btt btt => new StepBound
        {
            Namespace = name,
            Kind = "btt",
            Uuid = btt.Uuid,
            Size = btt.Size.Value,
            SectorSize = btt.SectorSize.Value,
            Version = btt.Version.ToString(2),
            Messages = btt.Messages,
        },
        BindOutcome.Pages pages => new StepBound
        {
            Namespace = name,
            Kind = pages.Kind == PersonalityKind.Pfn ? "pfn" : "dax",
            Uuid = pages.Uuid,
            Map = pages.Map == MapLocation.Ram ? "mem" : "dev",
            Align = pages.Align.Value,
            DataOffset = pages.DataOffset.Value,
            StartPad = pages.StartPad.Value,
            EndTrunc = pages.EndTrunc.Value,
            Size = pages.Size.Value,
            PageCount = pages.PageCount,
            Messages = pages.Messages,
        },
        _ => new StepBound { Namespace = name, Kind = "raw", Messages = outcome.Messages },
    };
}
