using System.Runtime.InteropServices;
using PmemFleet.Api.Dimms;
using PmemFleet.Api.Namespaces;
using PmemFleet.Api.Regions;
using PmemFleet.Nvdimm.Allocation;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Labels;
using PmemFleet.Nvdimm.Model;
using PmemFleet.Nvdimm.Primitives;
using Dpa = PmemFleet.Nvdimm.Primitives.Dpa;

namespace PmemFleet.Api.Hosts;

/// <summary>From a host's rows to the model's snapshot. Its inverse is <see cref="RowsOfBus"/>.</summary>
public static class BusOfRows
{
    public static BusSnapshot Read(HostRows rows)
    {
        var chunks = rows.LabelChunks.ToLookup(chunk => chunk.DimmId);
        var extents = rows.Extents.ToLookup(extent => extent.DimmId);
        var mappings = rows.Mappings.ToLookup(mapping => mapping.RegionId);
        var namespaces = rows.Namespaces.ToLookup(row => row.RegionId);
        var personalities = rows.Personalities.ToLookup(row => row.RegionId);
        var dimmNumber = rows.Dimms.ToDictionary(dimm => dimm.Id, dimm => dimm.Number);
        return new BusSnapshot
        {
            Provider = rows.Host.Provider,
            DevicePath = Providers.DevicePath(rows.Host.Provider),
            SupportsPud = rows.Host.SupportsPud,
            Scrub = rows.Host.Provider == Providers.Nfit ? ScrubState.Idle : ScrubState.None,
            Dimms = [.. rows.Dimms.Select(dimm => ToSnapshot(dimm, chunks[dimm.Id], extents[dimm.Id]))],
            Regions =
            [
                .. rows.Regions.Select(region => ToSnapshot(region) with
                {
                    Mappings = [.. mappings[region.Id].Select(mapping => ToSnapshot(mapping, dimmNumber[mapping.DimmId]))],
                    Namespaces = [.. namespaces[region.Id].Select(ToSnapshot)],
                    Personalities = [.. personalities[region.Id].Select(ToSnapshot)],
                }),
            ],
        };
    }

    private static DimmSnapshot ToSnapshot(DimmRow row, IEnumerable<LabelChunkRow> chunks, IEnumerable<DpaExtentRow> extents) => new()
    {
        Id = row.Number,
        Uuid = row.Id,
        Capacity = new Bytes(row.Capacity),
        LabelAreaBytes = row.LabelSize == 0 ? null : row.LabelSize,
        LabelChunks = [.. chunks.Select(chunk => new LabelChunk(chunk.Index, ImmutableCollectionsMarshal.AsImmutableArray(chunk.Content)))],
        Handle = (uint)row.Handle,
        PhysicalId = (ushort)row.PhysicalId,
        SerialNumber = (uint)row.SerialNumber,
        VendorId = (ushort)row.VendorId,
        ManufacturingDate = (ushort)row.ManufacturingDate,
        ManufacturingLocation = (byte)row.ManufacturingLocation,
        Conditions = (DimmConditions)row.Conditions,
        Security = row.Security,
        Locked = row.Locked,
        Aliases = row.Aliases,
        Enabled = row.Enabled,
        Labelling = row.Labelling,
        Extents = [.. extents.Select(extent => new DpaExtent(extent.DpaStart, extent.Length, extent.Owner))],
    };

    private static RegionSnapshot ToSnapshot(RegionRow row) => new()
    {
        Id = row.Number,
        Uuid = row.Id,
        Kind = row.Kind == RegionTexts.Legacy ? RegionKind.Legacy : RegionKind.Nfit,
        Start = new Spa(row.Start),
        Size = new Bytes(row.Size),
        Align = new Bytes(row.Align),
        ReadOnly = row.ReadOnly,
        Enabled = row.Enabled,
        PersistenceDomain = RegionTexts.ToDomain(row.PersistenceDomain),
        NumaNode = row.NumaNode,
        TargetNode = row.TargetNode,
        HasFlushHints = row.HasFlushHints,
        InitialNamespaces = row.InitialNamespaces,
        NamespaceSeed = row.NamespaceSeed,
        BttSeed = row.BttSeed,
        PfnSeed = row.PfnSeed,
        DaxSeed = row.DaxSeed,
    };

    private static MappingSnapshot ToSnapshot(RegionMappingRow row, int dimm) =>
        new(dimm, new Dpa(row.DpaStart), new Bytes(row.Length), row.Position, (ulong)row.RegionOffset);

    private static NamespaceSnapshot ToSnapshot(NamespaceRow row) => new()
    {
        Id = row.Number,
        Kind = (NamespaceKind)row.Kind,
        Uuid = row.Uuid,
        AltName = row.AltName,
        Size = new Bytes(row.Size),
        Start = row.Start is { } start ? new Spa(start) : null,
        SectorSize = row.SectorSize,
        ClaimClass = BindTexts.ToClass(row.ClaimClass),
        UnknownAbstraction = row.UnknownAbstraction ?? Guid.Empty,
        ForceRaw = row.ForceRaw,
        State = row.State switch
        {
            NamespaceRow.Enabled => NamespaceState.Enabled,
            NamespaceRow.Pending => NamespaceState.Pending,
            _ => NamespaceState.Disabled,
        },
        Pending = row.Awaited is { } awaited
            ? new PendingBind(
                awaited.Intent switch { "create" => BindIntent.Create, "reconfigure" => BindIntent.Reconfigure, _ => BindIntent.Enable },
                awaited.Personality is { } kind ? BindTexts.ToKind(kind) : null,
                awaited.PersonalityNumber,
                awaited.NextNamespaceSeed,
                awaited.NextPersonalitySeed,
                awaited.AutoRecover)
            : null,
        Mounted = row.Mounted,
    };

    private static PersonalitySnapshot ToSnapshot(PersonalityRow row) => new()
    {
        Kind = BindTexts.ToKind(row.Kind),
        Id = row.Number,
        Uuid = row.Uuid,
        SectorSize = row.SectorSize is { } sector ? new Bytes(sector) : null,
        Map = BindTexts.ToMap(row.Map),
        Align = new Bytes(row.Align),
        Namespace = row.NamespaceNumber,
        Bound = row.Bound is { } bound ? ToOutcome(row.Kind, bound) : null,
    };

    private static BindOutcome ToOutcome(string kind, BoundColumns bound) => kind == PersonalityRow.Btt
        ? new BindOutcome.Btt
        {
            Uuid = bound.Uuid,
            Size = new Bytes(bound.Size),
            SectorSize = new Bytes(bound.SectorSize ?? 0),
            Version = Version.Parse(bound.Version!),
        }
        : new BindOutcome.Pages
        {
            Kind = BindTexts.ToKind(kind),
            Uuid = bound.Uuid,
            Map = BindTexts.ToMap(bound.Map) ?? MapLocation.Ram,
            Align = new Bytes(bound.Align ?? 0),
            DataOffset = new Bytes(bound.DataOffset ?? 0),
            StartPad = new Bytes(bound.StartPad ?? 0),
            EndTrunc = new Bytes(bound.EndTrunc ?? 0),
            Size = new Bytes(bound.Size),
            PageCount = bound.PageCount ?? 0,
        };
}
