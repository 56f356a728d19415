using System.Globalization;
using PmemFleet.Api.Dimms;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Namespaces;
using PmemFleet.Api.Problems;
using PmemFleet.Api.Regions;
using PmemFleet.Contracts.Dimms;
using PmemFleet.Contracts.Fleets;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Regions;
using PmemFleet.Nvdimm.Model;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Api.Fleets;

/// <summary>
/// Makes one host what a document says, by the same commands that its own requests use. What is there already is compared; what differs in a way
/// that would lose data is refused. The aggregate is not saved.
/// </summary>
public sealed class HostOfFleet(HostAggregate host, HostOfDocument wanted, FleetTally tally, bool isNew)
{
    /// <summary>Region of a namespace that is wanted in each.</summary>
    public const string EachRegion = "*";

    private const string DefaultLabels = "1.2";
    private const string NoLabels = "none";
    private readonly List<MediaStep> _steps = [];
    private readonly HashSet<string> _newRegions = new(StringComparer.Ordinal);

    /// <summary>What the worker has to do, once the aggregate is saved.</summary>
    public IReadOnlyList<MediaStep> Steps => _steps;

    /// <summary>Names of the namespaces that were made.</summary>
    public List<string> Made { get; } = [];

    /// <summary>Something of the host changed.</summary>
    public bool IsChanged { get; private set; }

    /// <summary>Null, or why the document cannot be applied.</summary>
    public RefusalDto? Apply()
    {
        var refusal = (isNew ? null : CompareHost()) ?? Dimms() ?? Regions() ?? Namespaces();
        return refusal is null ? null : refusal with
        {
            Message = $"{wanted.Name}: {refusal.Message}",
            Subject = refusal.Subject is { } subject && !subject.StartsWith(wanted.At, StringComparison.Ordinal) ? $"{wanted.At}{subject}" : refusal.Subject,
        };
    }

    private RefusalDto? CompareHost()
    {
        var (row, source) = (host.Host, wanted.Source);
        var differs =
            Differs("provider", source.Provider, row.Provider)
            ?? Differs("mediaPool", source.MediaPool, row.MediaPool)
            ?? (source.Platform is not { } platform ? null
                : Differs("platform/supportsPud", platform.SupportsPud, row.SupportsPud)
                ?? Differs("platform/pageTableLevels", platform.PageTableLevels, row.PageTableLevels)
                ?? Differs("platform/profile", platform.Profile, row.Profile)
                ?? Differs("platform/deviceDax", platform.DeviceDax, row.DeviceDax));
        if (differs is not null)
        {
            return differs;
        }

        if (wanted.Labels is not { } labels || (labels.Count == row.Labels.Count && labels.All(label => row.Labels.GetValueOrDefault(label.Key) == label.Value)))
        {
            tally.Unchanged(FleetKind.Host);
            return null;
        }

        if (HostNames.CheckLabels(labels) is { } refusal)
        {
            return refusal;
        }

        row.Labels = new Dictionary<string, string>(labels);
        row.Version++;
        IsChanged = true;
        tally.Updated(FleetKind.Host, wanted.Name);
        return null;
    }

    private RefusalDto? Dimms()
    {
        var slot = 0;
        foreach (var (dimm, index) in (wanted.Source.Dimms ?? []).Select((dimm, index) => (dimm, index)))
        {
            for (var i = 0; i < (dimm.Count ?? 1); i++, slot++)
            {
                if (Dimm(dimm, $"{wanted.At}dimms/{index}/", slot) is { } refusal)
                {
                    return refusal;
                }
            }
        }

        tally.Unnamed(FleetKind.Dimm, Math.Max(0, host.Bus.Dimms.Count() - slot));
        return null;
    }

    private RefusalDto? Dimm(FleetDimm dimm, string at, int slot)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"nmem{slot}");
        var request = new CreateDimmRequest
        {
            Capacity = dimm.Capacity,
            LabelSize = dimm.LabelSize,
            SerialNumber = dimm.SerialNumber,
            VendorId = dimm.VendorId,
            ManufacturingDate = dimm.ManufacturingDate,
            ManufacturingLocation = dimm.ManufacturingLocation,
            Armed = dimm.Armed,
            ClearErrorUnit = dimm.ClearErrorUnit,
        };
        if (host.FindDimm(name) is { } row)
        {
            var (same, refusal) = NewDimm.Read(request, at, host.Name, slot, row.Id);
            tally.Unchanged(FleetKind.Dimm);
            return same is null ? refusal : Compare(same, row, at);
        }

        if (DimmCommands.Add(host, request, at) is { } refused)
        {
            return refused;
        }

        IsChanged = true;
        tally.Created(FleetKind.Dimm, wanted.Name, name);
        return InitLabels(dimm, at, name);
    }

    private RefusalDto? InitLabels(FleetDimm dimm, string at, string name)
    {
        if (dimm.LabelVersion == NoLabels || dimm.LabelSize is { Value: 0 } || (dimm.LabelVersion is null && host.Host.Provider == Providers.E820))
        {
            return null;
        }

        if (LabelTexts.ToVersion(dimm.LabelVersion ?? DefaultLabels) is not { } version)
        {
            return Refusals.Invalid("label-version", $"{at}labelVersion", $"There are no labels of version '{dimm.LabelVersion}'.", "1.1", "1.2", NoLabels);
        }

        return host.Bus.InitLabels(name, version).Refusal is { } refusal ? refusal.ToDto() with { Subject = $"{at}labelVersion" } : null;
    }

    private static RefusalDto? Compare(NewDimm same, DimmRow row, string at)
    {
        var snapshot = same.Snapshot;
        return Differs($"{at}capacity", snapshot.Capacity.Value, row.Capacity)
            ?? Differs($"{at}labelSize", (long)(snapshot.LabelAreaBytes ?? 0), row.LabelSize)
            ?? Differs($"{at}serialNumber", (long)snapshot.SerialNumber, row.SerialNumber)
            ?? Differs($"{at}vendorId", (long)snapshot.VendorId, row.VendorId)
            ?? Differs($"{at}manufacturingDate", (long)snapshot.ManufacturingDate, row.ManufacturingDate)
            ?? Differs($"{at}manufacturingLocation", (long)snapshot.ManufacturingLocation, row.ManufacturingLocation)
            ?? Differs($"{at}clearErrorUnit", (long)same.ClearErrorUnit, row.ClearErrorUnit);
    }

    private RefusalDto? Regions()
    {
        var number = 0;
        foreach (var (region, index) in (wanted.Source.Regions ?? []).Select((region, index) => (region, index)))
        {
            var at = $"{wanted.At}regions/{index}/";
            var (sets, refusal) = Sets(region, at);
            foreach (var dimms in sets)
            {
                refusal ??= Region(region, dimms, at, string.Create(CultureInfo.InvariantCulture, $"region{number++}"));
            }

            if (refusal is not null)
            {
                return refusal;
            }
        }

        tally.Unnamed(FleetKind.Region, Math.Max(0, host.Bus.Regions.Count() - number));
        return null;
    }

    /// <summary>The DIMMs of each region that one entry stands for.</summary>
    private (IReadOnlyList<IReadOnlyList<string>> Sets, RefusalDto? Refusal) Sets(FleetRegion region, string at)
    {
        if (region.Dimms is { } named)
        {
            return region.Ways is null
                ? ([named], null)
                : ([], Refusals.Invalid("fleet-ways", $"{at}ways", "An entry has dimms or ways, not both."));
        }

        if (host.Host.Provider == Providers.E820)
        {
            return ([[]], null);
        }

        var ways = region.Ways ?? 1;
        string[] all = [.. host.Bus.Dimms.Select(dimm => dimm.Name)];
        return ways is < 1 or > 16 ? ([], Refusals.Invalid("fleet-ways", $"{at}ways", "A set has 1 to 16 ways.", "1", "16").With("ways", ways))
            : all.Length % ways != 0 ? ([], Refusals.Invalid("fleet-ways", $"{at}ways", "The host's DIMMs are no multiple of the ways.").With("ways", ways).With("dimms", all.Length))
            : ([.. all.Chunk(ways)], null);
    }

    private RefusalDto? Region(FleetRegion region, IReadOnlyList<string> dimms, string at, string name)
    {
        if (host.Bus.FindRegion(name) is { } there)
        {
            tally.Unchanged(FleetKind.Region);
            return Differs($"{at}dimms", string.Join(' ', dimms), string.Join(' ', there.Mappings.OrderBy(mapping => mapping.Position).Select(mapping => mapping.Dimm.Name)))
                ?? (region.Size is { } size ? Differs($"{at}size", size.Value, there.Size) : null)
                ?? (region.Start is { } start ? Differs($"{at}start", start.Value, there.Start) : null)
                ?? (region.Align is { } same ? Differs($"{at}align", same.Value, there.Align) : null);
        }

        var (change, refusal) = RegionCommands.Add(
            host,
            new CreateRegionRequest
            {
                Dimms = dimms,
                Size = region.Size,
                DpaStart = region.DpaStart,
                Start = region.Start,
                PersistenceDomain = region.PersistenceDomain,
                NumaNode = region.NumaNode,
            },
            at);
        if (change is null)
        {
            return refusal;
        }

        IsChanged = true;
        _ = _newRegions.Add(change.Region.Name);
        tally.Created(FleetKind.Region, wanted.Name, change.Region.Name);

        // a host that never ran finds them with its first boot
        _steps.AddRange(isNew ? [] : change.Steps);
        return region.Align is { } align && host.Bus.SetRegionAlign(change.Region.Name, align.Value).Refusal is { } misaligned
            ? misaligned.ToDto() with { Subject = $"{at}align" }
            : null;
    }

    private RefusalDto? Namespaces()
    {
        List<NamespaceDto> there = isNew ? [] : [.. host.Rows.Namespaces.Where(row => row.Size > 0).Select(row => NamespaceProjection.Of(host, row).Value)];
        foreach (var (space, index) in (wanted.Source.Namespaces ?? []).Select((space, index) => (space, index)))
        {
            var at = $"{wanted.At}namespaces/{index}/";
            string?[] regions = space.Region == EachRegion ? [.. host.Bus.Regions.Select(region => region.Name)] : [space.Region];
            var number = 0;
            foreach (var region in regions)
            {
                for (var i = 0; i < (space.Count ?? 1); i++)
                {
                    var name = space.AltName is { } text ? FleetNames.Fill(text.Replace("{host}", wanted.Name, StringComparison.Ordinal), ++number) : null;
                    if (Namespace(space, region, name, at, there) is { } refusal)
                    {
                        return refusal;
                    }
                }
            }
        }

        tally.Unnamed(FleetKind.Namespace, there.Count);
        return null;
    }

    private RefusalDto? Namespace(FleetNamespace space, string? region, string? altName, string at, List<NamespaceDto> there)
    {
        var found = LabelLessNamespaces.Find(host.Bus, region, there) ?? there.Find(candidate => space.Uuid is { } uuid ? candidate.RawUuid == uuid
            : altName is not null ? candidate.AltName == altName
            : candidate.AltName is null && CompareShape(space, region, candidate, at) is null);
        if (found is not null)
        {
            there.Remove(found);
            tally.Unchanged(FleetKind.Namespace);
            return CompareShape(space, region, found, at);
        }

        var (options, refusal) = NamespaceRequests.Read(host, new CreateNamespaceRequest
        {
            Region = region,
            Mode = space.Mode,
            Size = space.Size,
            Align = space.Align,
            Map = space.Map,
            SectorSize = space.SectorSize,
            AltName = altName,
            Uuid = space.Uuid,
            PersonalityUuid = space.PersonalityUuid,
        });
        if (options is null)
        {
            return At(refusal!, at);
        }

        if (!Make(options).TryGet(out var made, out var refused))
        {
            return At(NamespaceRequests.OnTheWire(refused), at);
        }

        IsChanged = true;
        Made.Add(made.Name);
        tally.Created(FleetKind.Namespace, wanted.Name, made.Name);
        return null;
    }

    private Outcome<PmemNamespace> Make(NamespaceOptions options)
    {
        if (options.Region is { } name && host.Bus.FindRegion(name) is { NamespaceKind: NamespaceKind.Io } region && _newRegions.Remove(name))
        {
            return LabelLessNamespaces.SetUp(host.Bus, region, options, _steps);
        }

        if (!host.Bus.CreateNamespace(options).TryGet(out var change, out var refusal))
        {
            return refusal;
        }

        _steps.AddRange(change.Steps);
        return change.Namespace;
    }

    private static RefusalDto At(RefusalDto refusal, string at) => refusal with { Subject = $"{at}{refusal.Subject}" };

    private static RefusalDto? CompareShape(FleetNamespace space, string? region, NamespaceDto there, string at) =>
        Differs($"{at}region", region, there.Region)
        ?? Differs($"{at}mode", space.Mode is { } mode && NamespaceModes.Parse(mode) is { } parsed ? TextOf(parsed) : space.Mode ?? "fsdax", there.Mode)
        ?? (space.Size is { } size ? Differs($"{at}size", size.Value, there.RawSize) : null)
        ?? (space.Align is { } align ? Differs($"{at}align", align.Value, there.Align ?? 0) : null)
        ?? Differs($"{at}map", space.Map, there.Map)
        ?? (space.SectorSize is { } sector ? Differs($"{at}sectorSize", sector.Value, there.SectorSize ?? 0) : null);

    private static string TextOf(NamespaceMode mode) => mode switch
    {
        NamespaceMode.Sector => "sector",
        NamespaceMode.Fsdax => "fsdax",
        NamespaceMode.Devdax => "devdax",
        _ => "raw",
    };

    /// <summary>Null where the document says nothing, or what is there.</summary>
    private static RefusalDto? Differs<T>(string subject, T? document, T there) => document is null || EqualityComparer<T>.Default.Equals(document, there)
        ? null
        : new RefusalDto
        {
            Errno = "EEXIST",
            Code = "fleet-differs",
            Message = $"The fleet has {there} where the document has {document}; a document does not change what would lose data.",
            Subject = subject,
            Numbers = new Dictionary<string, string> { ["document"] = $"{document}", ["fleet"] = $"{there}" },
            Allowed = [$"{there}"],
        };
}
