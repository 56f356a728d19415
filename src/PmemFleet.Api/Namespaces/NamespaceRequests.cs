using PmemFleet.Api.Hosts;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Problems;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Model;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Api.Namespaces;

/// <summary>From the wire to ndctl's options, and from ndctl's words back to the wire's.</summary>
public static class NamespaceRequests
{
    private static readonly IReadOnlyList<string> Modes = ["fsdax", "devdax", "sector", "raw"];
    private static readonly IReadOnlyList<string> Maps = ["dev", "mem"];

    /// <summary>Members by the names that ndctl's options have.</summary>
    private static readonly Dictionary<string, string> Members = new()
    {
        ["name"] = "altName",
        ["sector-size"] = "sectorSize",
        ["sector_size"] = "sectorSize",
        ["alt_name"] = "altName",
        ["holder_class"] = "holderClass",
        ["force_raw"] = "forceRaw",
    };

    public static (NamespaceOptions? Options, RefusalDto? Refusal) Read(HostAggregate host, CreateNamespaceRequest request)
    {
        // ndctl's filter: all of them is none
        var region = request.Region is "all" ? null : request.Region;
        if (region is not null && host.Bus.FindRegion(region) is null)
        {
            return (null, ProblemResults.NotFound("region", region));
        }

        var (options, refusal) = Read(host, request.Mode, request.Map, request.Size, request.Align, request.SectorSize);
        return (options is null ? null : options with
        {
            Region = region,
            Uuid = request.Uuid ?? options.Uuid,
            PersonalityUuid = request.PersonalityUuid ?? options.PersonalityUuid,
            Name = request.AltName,
            Force = request.Force,
            AutoRecover = request.Autorecover ?? true,
        }, refusal);
    }

    public static (NamespaceOptions? Options, RefusalDto? Refusal) Read(HostAggregate host, ReconfigureNamespaceRequest request)
    {
        var (options, refusal) = Read(host, request.Mode, request.Map, request.Size, request.Align, request.SectorSize);
        return (options is null ? null : options with
        {
            Uuid = request.Uuid ?? options.Uuid,
            PersonalityUuid = request.PersonalityUuid ?? options.PersonalityUuid,
            Name = request.AltName,
            Force = request.Force,
            AutoLabel = true,
        }, refusal);
    }

    /// <summary>The model's refusal, about the member that the caller wrote.</summary>
    public static RefusalDto OnTheWire(Refusal refusal) =>
        (refusal.Subject is { } subject && Members.TryGetValue(subject, out var member) ? refusal with { Subject = member } : refusal).ToDto();

    private static (NamespaceOptions? Options, RefusalDto? Refusal) Read(
        HostAggregate host, string? modeText, string? mapText, ByteSize? size, ByteSize? align, ByteSize? sectorSize)
    {
        NamespaceMode? mode = modeText is null ? null : NamespaceModes.Parse(modeText);
        if (modeText is not null && mode is null)
        {
            return (null, Refusals.Invalid("mode-unknown", "mode", $"There is no mode '{modeText}'.", Modes));
        }

        if (mode == NamespaceMode.Devdax && !host.Host.DeviceDax)
        {
            return (null, new RefusalDto { Errno = "ENODEV", Code = "no-device-dax", Message = "Kernel does not support devdax mode", Subject = "mode" });
        }

        MapLocation? map = BindTexts.ToMap(mapText);
        if (mapText is not null && map is null)
        {
            return (null, Refusals.Invalid("map-unknown", "map", $"There is no map '{mapText}'.", Maps));
        }

        if (sectorSize is { Value: > int.MaxValue })
        {
            return (null, Refusals.Invalid("sector-size", "sectorSize", "No sector is that large.", [.. Bus.BttSectorSizes.Select(bytes => $"{bytes}")]));
        }

        return (new NamespaceOptions
        {
            Uuid = Guid.NewGuid(),
            PersonalityUuid = Guid.NewGuid(),
            Mode = mode,
            Size = size is { } bytes ? new SizeText(bytes.Value, 1L << bytes.UnitBits) : null,
            Map = map,
            Align = align is { } aligned ? new SizeText(aligned.Value, 1L << aligned.UnitBits) : null,
            SectorSize = (int?)sectorSize?.Value,
        }, null);
    }
}
