using System.Collections.Immutable;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Model;

/// <summary>What a command over a whole region changed, and what the worker has to do.</summary>
/// <param name="Region">The region.</param>
/// <param name="Steps">Media steps in order; each bind is answered by <see cref="Bus.Complete"/>.</param>
public sealed record RegionChange(Region Region, ImmutableArray<MediaStep> Steps);

/// <content>Regions: define, enable, disable, probe.</content>
public sealed partial class Bus
{
    private const long FirstRegionStart = 0x1_0000_0000;
    private const int MaxWays = 16;

    /// <summary>Defines a region under the lowest free number and probes it.</summary>
    public Outcome<RegionChange> Define(RegionDefinition definition)
    {
        if (!MapDimms(definition).TryGet(out var mappings, out var refusal))
        {
            return refusal;
        }

        var size = definition.Kind == RegionKind.Legacy ? definition.SizePerDimm?.Value ?? 0 : mappings.Sum(m => m.Size.Value);
        var above = _regions.Select(r => r.Start + r.Size).Append(0).Max();
        var start = definition.Start?.Value ?? (above == 0 ? FirstRegionStart : (above + Bytes.GiB - 1) / Bytes.GiB * Bytes.GiB);
        if (size <= 0 || size % Region.PageBytes != 0 || start % Region.PageBytes != 0 || start < 0)
        {
            return new Refusal(Errno.ENXIO, "region-misaligned", "a region's start and size are multiples of 4096 bytes")
                .With("start", start).With("size", size).About(size > 0 && size % Region.PageBytes == 0 ? "start" : "size")
                .Allowing(size > 0 && size % Region.PageBytes == 0 ? Nearest.Multiples(start, Region.PageBytes) : Nearest.Multiples(size, Region.PageBytes, 1));
        }

        if (_regions.FirstOrDefault(r => r.Start < start + size && start < r.Start + r.Size) is { } other)
        {
            return new Refusal(Errno.EBUSY, "region-overlaps", $"the range overlaps {other.Name}")
                .With("start", start).With("size", size).Allowing($"0x{(above + Bytes.GiB - 1) / Bytes.GiB * Bytes.GiB:x}");
        }

        var region = new Region(
            new RegionSnapshot
            {
                Id = _regions.NextId,
                Uuid = definition.Uuid,
                Kind = definition.Kind,
                Start = new Spa(start),
                Size = new Bytes(size),
                Mappings = mappings,
                Align = new Bytes(Region.InitialAlign(size, mappings.Length)),
                ReadOnly = mappings.Any(m => _dimms.Find(m.Dimm)!.Conditions.HasFlag(DimmConditions.NotArmed)),
                PersistenceDomain = definition.PersistenceDomain,
                NumaNode = definition.NumaNode,
                TargetNode = definition.TargetNode,
                HasFlushHints = definition.HasFlushHints,
            },
            id => _dimms.Find(id)!);
        _regions.Add(region.Id, region);
        var steps = new List<MediaStep>();
        Probe(region, steps);
        return new RegionChange(region, [.. steps]);
    }

    /// <summary>ndctl enable-region: probes it. Already enabled is a success.</summary>
    /// <returns>ENXIO or ENODEV where the labels or DIMMs spoil it; the region then stays disabled.</returns>
    public Outcome<RegionChange> EnableRegion(string name)
    {
        if (FindRegion(name) is not { } region)
        {
            return Refuse.NoDevice("region", name);
        }

        var steps = new List<MediaStep>();
        return !region.Enabled && Probe(region, steps).Refusal is { } refusal ? refusal : new RegionChange(region, [.. steps]);
    }

    /// <summary>ndctl disable-region: unbinds its namespaces and forgets them; EBUSY where one is mounted.</summary>
    public Outcome<RegionChange> DisableRegion(string name)
    {
        if (FindRegion(name) is not { } region)
        {
            return Refuse.NoDevice("region", name);
        }

        foreach (var device in region.Namespaces)
        {
            if (device.Mounted)
            {
                return Refuse.Mounted(device);
            }

            if (device.State == NamespaceState.Pending)
            {
                return Refuse.Pending(device);
            }
        }

        ImmutableArray<MediaStep> steps = [.. region.Namespaces.Where(n => n.IsEnabled).Select(n => new MediaStep.Unbind(n.Name))];
        region.RemoveDevices();
        region.Enabled = false;
        return new RegionChange(region, steps);
    }

    /// <summary>Sets a region's <c>align</c> (spec 20 section 2).</summary>
    public Outcome<Done> SetRegionAlign(string name, long align)
    {
        if (FindRegion(name) is not { } region)
        {
            return Refuse.NoDevice("region", name);
        }

        var perDimm = align / region.Ways;
        if (align <= 0 || align % region.Ways != 0 || (perDimm & (perDimm - 1)) != 0 || perDimm < Region.PageBytes || align > region.Size)
        {
            return new Refusal(Errno.EINVAL, "region-align", "Invalid argument")
                .With("align", align).With("ways", region.Ways).With("regionSize", region.Size).About("align")
                .Allowing(Nearest.Of(Enumerable.Range(12, 36).Select(power => (long)region.Ways << power).Where(legal => legal <= region.Size), align).Take(2));
        }

        region.Align = align;
        return default(Done);
    }

    /// <summary>Sets a region's <c>read_only</c>.</summary>
    public Outcome<Done> SetRegionReadOnly(string name, bool readOnly)
    {
        if (FindRegion(name) is not { } region)
        {
            return Refuse.NoDevice("region", name);
        }

        region.ReadOnly = readOnly;
        return default(Done);
    }

    /// <summary>
    /// Power on: everything but the DIMMs, their labels and the regions' definitions is forgotten, and all is probed anew.
    /// The steps are the binds of every namespace found.
    /// </summary>
    public ImmutableArray<MediaStep> PowerCycle()
    {
        var steps = new List<MediaStep>();
        foreach (var region in _regions)
        {
            region.RemoveDevices();
            region.Enabled = false;
        }

        foreach (var dimm in _dimms)
        {
            dimm.Labelling = false;
            dimm.Probe();
        }

        foreach (var region in _regions)
        {
            region.Align = Region.InitialAlign(region.Size, region.Mappings.Count);
            region.ReadOnly = region.Mappings.Any(m => m.Dimm.Conditions.HasFlag(DimmConditions.NotArmed));
            Probe(region, steps);
        }

        return [.. steps];
    }

    private Outcome<Done> Probe(Region region, List<MediaStep> steps)
    {
        var found = new List<LabelScan.Found>();
        if (region.NamespaceKind == NamespaceKind.Pmem || region.Mappings.Any(m => m.Dimm.Locked))
        {
            if (region.Mappings.FirstOrDefault(m => m.Dimm.Labels is null && (m.Dimm.Locked || m.Dimm.Labelling || m.Dimm.Identity.Aliases)) is { } missing)
            {
                return new Refusal(
                    Errno.ENXIO, "dimm-not-ready",
                    $"nd_region {region.Name}: {missing.Dimm.Name}: is {(missing.Dimm.Locked ? "locked" : "disabled")}, failing probe");
            }

            if (region.Mappings.All(m => m.Dimm.Labels is not null))
            {
                if (!LabelScan.Run(region).TryGet(out var scanned, out var refusal))
                {
                    return refusal;
                }

                found = scanned;
            }
        }

        region.Enabled = true;
        if (region.NamespaceKind == NamespaceKind.Io)
        {
            var whole = region.AddNamespace(NamespaceKind.Io);
            (whole.Start, whole.Size) = (region.Start, region.Size);
        }
        else if (found.Count == 0)
        {
            region.AddNamespace(NamespaceKind.Pmem);
        }

        found.ForEach(f => LabelScan.Apply(f, region.AddNamespace(NamespaceKind.Pmem)));
        region.InitialNamespaces = region.NamespaceTable.Count;
        region.NamespaceSeed = region.NamespaceTable.Find(0);
        foreach (var kind in (ReadOnlySpan<PersonalityKind>)[PersonalityKind.Btt, PersonalityKind.Pfn, PersonalityKind.Dax])
        {
            region.SetSeed(kind, region.AddPersonality(kind));
        }

        foreach (var device in region.Namespaces.Where(n => n.Size > 0).ToArray())
        {
            if (BeginBind(device, null, BindIntent.Enable).TryGet(out var step, out _))
            {
                steps.Add(step);
            }
        }

        return default(Done);
    }

    private Outcome<ImmutableArray<MappingSnapshot>> MapDimms(RegionDefinition definition)
    {
        var wanted = definition.Mappings;
        if (definition.Kind == RegionKind.Legacy)
        {
            return wanted.IsEmpty ? ImmutableArray<MappingSnapshot>.Empty
                : new Refusal(Errno.EINVAL, "legacy-region-dimms", "a legacy region has no DIMMs").About("mappings");
        }

        if (wanted.Length is 0 or > MaxWays || wanted.DistinctBy(m => m.Dimm).Count() != wanted.Length)
        {
            return new Refusal(Errno.EINVAL, "interleave-ways", $"an interleave set has 1 to {MaxWays} different DIMMs")
                .With("ways", wanted.Length).About("mappings").Allowing($"{Math.Clamp(wanted.DistinctBy(m => m.Dimm).Count(), 1, MaxWays)}");
        }

        var starts = new List<(Dimm Dimm, long Start, long Free)>();
        foreach (var mapping in wanted)
        {
            if (FindDimm(mapping.Dimm) is not { } dimm)
            {
                return Refuse.NoDevice("dimm", mapping.Dimm);
            }

            var used = _regions.SelectMany(r => r.Mappings).Where(m => m.Dimm == dimm).ToArray();
            var start = mapping.Start?.Value ?? used.Select(m => m.Part.End).Append(0).Max();
            var end = used.Select(m => m.Part.Start).Where(s => s >= start).Append(dimm.Identity.Capacity.Value).Min();
            starts.Add((dimm, start, used.Any(m => m.Part.Start <= start && start < m.Part.End) ? 0 : end - start));
        }

        var size = definition.SizePerDimm?.Value ?? (starts.Min(s => s.Free) / Region.PageBytes * Region.PageBytes);
        foreach (var (dimm, start, free) in starts)
        {
            if (start < 0 || start % Region.PageBytes != 0 || size % Region.PageBytes != 0)
            {
                return new Refusal(Errno.ENXIO, "mapping-misaligned", $"{dimm.Name}: mapping is not page aligned")
                    .With("start", start).With("size", size).About(size % Region.PageBytes == 0 ? "start" : "size")
                    .Allowing(size % Region.PageBytes == 0 ? Nearest.Multiples(start, Region.PageBytes) : Nearest.Multiples(size, Region.PageBytes, 1, Math.Max(0, free)));
            }

            if (size <= 0 || size > free)
            {
                return new Refusal(Errno.EBUSY, "dimm-capacity-used", $"{dimm.Name} has no {size} bytes at {start}")
                    .With("start", start).With("size", size).With("free", Math.Max(0, free))
                    .Allowing(Nearest.Multiples(size, Region.PageBytes, 1, Math.Max(0, free)));
            }
        }

        return starts.Select((s, i) => new MappingSnapshot(
            s.Dimm.Id, new Primitives.Dpa(s.Start), new Bytes(size), i, wanted[i].RegionOffset ?? (ulong)(i * size))).ToImmutableArray();
    }
}
