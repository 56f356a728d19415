using System.Runtime.InteropServices;
using PmemFleet.Api.Dax;
using PmemFleet.Api.Dimms;
using PmemFleet.Api.Namespaces;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Regions;
using PmemFleet.Nvdimm.Allocation;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Model;

namespace PmemFleet.Api.Hosts;

/// <summary>Saves what a command changed: rows are added, removed or written column by column, never replaced. The inverse of <see cref="BusOfRows"/>.</summary>
public sealed class RowsOfBus(RowChanges changes, HostRows rows, DateTimeOffset now)
{
    private readonly Guid _host = rows.Host.Id;

    /// <summary>Writes the bus into the rows. Versions go up with <see cref="RowVersions"/>.</summary>
    public void Save(Bus bus, IReadOnlyDictionary<int, int> clearErrorUnitOfNewDimms)
    {
        var snapshot = bus.Snapshot();
        SaveDimms(bus, snapshot, clearErrorUnitOfNewDimms);
        var regionOf = SaveRegions(bus, snapshot);
        DropOrphans();
        SaveExtents(snapshot);
        DaxOfNamespaces.Save(changes, rows, regionOf.Values, now);
    }

    /// <summary>What hung on a DIMM or a region that is gone goes with it in the database.</summary>
    private void DropOrphans()
    {
        var (dimms, regions) = (rows.Dimms.Select(dimm => dimm.Id).ToHashSet(), rows.Regions.Select(region => region.Id).ToHashSet());
        rows.LabelChunks.RemoveAll(chunk => !dimms.Contains(chunk.DimmId) && Forget(chunk));
        rows.Extents.RemoveAll(extent => !dimms.Contains(extent.DimmId) && Forget(extent));
        rows.Namespaces.RemoveAll(row => !regions.Contains(row.RegionId) && Forget(row));
        rows.Personalities.RemoveAll(row => !regions.Contains(row.RegionId) && Forget(row));
    }

    private bool Forget(object row)
    {
        changes.Forget(row);
        return true;
    }

    private void SaveDimms(Bus bus, BusSnapshot snapshot, IReadOnlyDictionary<int, int> clearErrorUnits)
    {
        Merge(rows.Dimms, snapshot.Dimms, row => row.Number, dimm => dimm.Id, dimm => new DimmRow
        {
            HostId = _host,
            Id = dimm.Uuid,
            Number = dimm.Id,
            Capacity = dimm.Capacity.Value,
            LabelSize = dimm.LabelAreaBytes ?? 0,
            Handle = dimm.Handle,
            PhysicalId = dimm.PhysicalId,
            SerialNumber = dimm.SerialNumber,
            VendorId = dimm.VendorId,
            ManufacturingDate = dimm.ManufacturingDate,
            ManufacturingLocation = dimm.ManufacturingLocation,
            UniqueId = bus.Dimms.First(model => model.Id == dimm.Id).UniqueId,
            ClearErrorUnit = clearErrorUnits[dimm.Id],
            Aliases = dimm.Aliases,
        }, (row, dimm) =>
        {
            var model = bus.FindDimm(row.Name)!;
            row.Conditions = (int)dimm.Conditions;
            row.Security = dimm.Security;
            row.Locked = dimm.Locked;
            row.Enabled = dimm.Enabled;
            row.Labelling = dimm.Labelling;
            row.LabelVersion = model.Labels is { HasIndex: true } labels ? LabelTexts.Of(labels.Geometry.Version) : null;
            row.AvailableSlots = model.Labels?.AvailableSlots;
            SaveChunks(row, dimm);
        });
    }

    private void SaveChunks(DimmRow dimm, DimmSnapshot snapshot) => Merge(
        rows.LabelChunks,
        snapshot.LabelChunks,
        row => row.Index,
        chunk => chunk.Index,
        chunk => new LabelChunkRow { HostId = _host, DimmId = dimm.Id, Index = chunk.Index, Content = ImmutableCollectionsMarshal.AsArray(chunk.Content)! },
        (row, chunk) =>
        {
            // the model copies a piece before it changes it, so a piece of the same array was not changed
            var content = ImmutableCollectionsMarshal.AsArray(chunk.Content)!;
            if (!ReferenceEquals(row.Content, content))
            {
                row.Content = content;
            }
        },
        row => row.DimmId == dimm.Id);

    private Dictionary<int, RegionRow> SaveRegions(Bus bus, BusSnapshot snapshot)
    {
        var dimmId = rows.Dimms.ToDictionary(dimm => dimm.Number, dimm => dimm.Id);
        var (result, former) = (new Dictionary<int, RegionRow>(), NamespacesByUuid());
        Merge(rows.Regions, snapshot.Regions, row => row.Number, region => region.Id, region => NewRegion(region, dimmId), (row, region) =>
        {
            result[region.Id] = row;
            var model = bus.FindRegion(row.Name)!;
            row.Align = region.Align.Value;
            row.ReadOnly = region.ReadOnly;
            row.Enabled = region.Enabled;
            row.InitialNamespaces = region.InitialNamespaces;
            row.NamespaceSeed = region.NamespaceSeed;
            row.BttSeed = region.BttSeed;
            row.PfnSeed = region.PfnSeed;
            row.DaxSeed = region.DaxSeed;
            row.NamespaceType = (int)model.NamespaceKind;
            row.IsetId = model.Cookies is null ? null : $"0x{model.Cookie:x}";
            row.AvailableSize = model.Mappings.Count == 0 ? null : model.AvailableSize;
            row.MaxAvailableExtent = model.MaxAvailableExtent;
            SaveNamespaces(row, region, former);
            SavePersonalities(row, region);
        });
        foreach (var orphan in rows.Mappings.Where(mapping => rows.Regions.TrueForAll(region => region.Id != mapping.RegionId)).ToArray())
        {
            rows.Mappings.Remove(orphan);
            changes.Remove(orphan);
        }

        return result;
    }

    private RegionRow NewRegion(RegionSnapshot region, Dictionary<int, Guid> dimmId)
    {
        var row = new RegionRow
        {
            HostId = _host,
            Id = region.Uuid,
            Number = region.Id,
            Kind = RegionTexts.Of(region.Kind),
            Start = region.Start.Value,
            Size = region.Size.Value,
            Align = region.Align.Value,
            PersistenceDomain = RegionTexts.Of(region.PersistenceDomain),
            NumaNode = region.NumaNode,
            TargetNode = region.TargetNode,
            HasFlushHints = region.HasFlushHints,
        };
        foreach (var (mapping, index) in region.Mappings.Select((mapping, index) => (mapping, index)))
        {
            var added = new RegionMappingRow
            {
                HostId = _host,
                RegionId = row.Id,
                Index = index,
                DimmId = dimmId[mapping.Dimm],
                DpaStart = mapping.Start.Value,
                Length = mapping.Size.Value,
                Position = mapping.Position,
                RegionOffset = (long)mapping.RegionOffset,
            };
            rows.Mappings.Add(added);
            changes.Add(added);
        }

        return row;
    }

    private void SaveNamespaces(RegionRow region, RegionSnapshot snapshot, Dictionary<(Guid Region, Guid Uuid), NamespaceRow> former)
    {
        Renumber(region, snapshot, former);
        Merge(
            rows.Namespaces,
            snapshot.Namespaces,
            row => row.Number,
            saved => saved.Id,
            saved => new NamespaceRow { HostId = _host, Id = Guid.CreateVersion7(now), RegionId = region.Id, Number = saved.Id, Kind = (int)saved.Kind },
            (row, saved) =>
            {
                row.Kind = (int)saved.Kind;
                row.Uuid = saved.Uuid;
                row.AltName = saved.AltName;
                row.Size = saved.Size.Value;
                row.Start = saved.Start?.Value;
                row.SectorSize = saved.SectorSize;
                row.ClaimClass = BindTexts.Of(saved.ClaimClass);
                row.UnknownAbstraction = saved.ClaimClass == ClaimClass.Unknown ? saved.UnknownAbstraction : null;
                row.ForceRaw = saved.ForceRaw;
                row.State = saved.State switch
                {
                    NamespaceState.Enabled => NamespaceRow.Enabled,
                    NamespaceState.Pending => NamespaceRow.Pending,
                    _ => NamespaceRow.Disabled,
                };
                row.Awaited = ToColumns(saved.Pending);
                row.Mounted = saved.Mounted;
            },
            row => row.RegionId == region.Id);
    }

    /// <summary>A namespace keeps its row where a boot gave it another number: the labels' uuid says which it is.</summary>
    private void Renumber(RegionRow region, RegionSnapshot snapshot, Dictionary<(Guid Region, Guid Uuid), NamespaceRow> former)
    {
        var moved = snapshot.Namespaces
            .Where(saved => saved.Uuid is { } uuid && former.TryGetValue((region.Id, uuid), out var row) && row.Number != saved.Id)
            .ToDictionary(saved => former[(region.Id, saved.Uuid!.Value)], saved => saved.Id);
        if (moved.Count == 0)
        {
            return;
        }

        foreach (var displaced in rows.Namespaces.Where(row => row.RegionId == region.Id && !moved.ContainsKey(row) && moved.ContainsValue(row.Number)).ToArray())
        {
            rows.Namespaces.Remove(displaced);
            changes.Remove(displaced);
        }

        foreach (var (row, number) in moved)
        {
            row.Number = number;
        }
    }

    private static PendingBindColumns? ToColumns(PendingBind? pending) => pending is null ? null : new PendingBindColumns
    {
        Intent = pending.Intent switch { BindIntent.Create => "create", BindIntent.Reconfigure => "reconfigure", _ => "enable" },
        Personality = pending.Personality is { } kind ? BindTexts.Of(kind) : null,
        PersonalityNumber = pending.PersonalityId,
        NextNamespaceSeed = pending.NextNamespaceSeed,
        NextPersonalitySeed = pending.NextPersonalitySeed,
        AutoRecover = pending.AutoRecover,
    };

    private void SavePersonalities(RegionRow region, RegionSnapshot snapshot) => Merge(
        rows.Personalities,
        snapshot.Personalities,
        row => (row.Kind, row.Number),
        saved => (BindTexts.Of(saved.Kind), saved.Id),
        saved => new PersonalityRow { HostId = _host, RegionId = region.Id, Kind = BindTexts.Of(saved.Kind), Number = saved.Id },
        (row, saved) =>
        {
            row.Uuid = saved.Uuid;
            row.SectorSize = saved.SectorSize?.Value;
            row.Map = BindTexts.Of(saved.Map);
            row.Align = saved.Align.Value;
            row.NamespaceNumber = saved.Namespace;
            row.Bound = ToColumns(saved.Bound);
        },
        row => row.RegionId == region.Id);

    private static BoundColumns? ToColumns(BindOutcome? bound) => bound switch
    {
        BindOutcome.Btt btt => new BoundColumns
        {
            Uuid = btt.Uuid,
            Size = btt.Size.Value,
            SectorSize = btt.SectorSize.Value,
            Version = btt.Version.ToString(2),
        },
        BindOutcome.Pages pages => new BoundColumns
        {
            Uuid = pages.Uuid,
            Size = pages.Size.Value,
            Map = BindTexts.Of(pages.Map),
            Align = pages.Align.Value,
            DataOffset = pages.DataOffset.Value,
            StartPad = pages.StartPad.Value,
            EndTrunc = pages.EndTrunc.Value,
            PageCount = pages.PageCount,
        },
        _ => null,
    };

    private void SaveExtents(BusSnapshot snapshot)
    {
        var byUuid = NamespacesByUuid();
        foreach (var dimm in rows.Dimms)
        {
            Merge(
                rows.Extents,
                snapshot.Dimms.First(saved => saved.Id == dimm.Number).Extents,
                row => row.DpaStart,
                extent => extent.Start,
                extent => new DpaExtentRow { HostId = _host, DimmId = dimm.Id, DpaStart = extent.Start, Length = extent.Length, Owner = extent.Owner },
                (row, extent) =>
                {
                    row.Length = extent.Length;
                    row.Owner = extent.Owner;
                    row.NamespaceId = RegionOf(dimm.Id, extent) is { } region && byUuid.TryGetValue((region, extent.Owner), out var owner) && owner.Size > 0 ? owner.Id : null;
                },
                row => row.DimmId == dimm.Id);
        }
    }

    private Guid? RegionOf(Guid dimm, DpaExtent extent)
    {
        foreach (var mapping in rows.Mappings)
        {
            if (mapping.DimmId == dimm && extent.Start >= mapping.DpaStart && extent.End <= mapping.DpaStart + mapping.Length)
            {
                return mapping.RegionId;
            }
        }

        return null;
    }

    /// <summary>By region and uuid; of two with the same, the first that has a size.</summary>
    private Dictionary<(Guid Region, Guid Uuid), NamespaceRow> NamespacesByUuid()
    {
        var byUuid = new Dictionary<(Guid Region, Guid Uuid), NamespaceRow>(rows.Namespaces.Count);
        foreach (var row in rows.Namespaces)
        {
            if (row.Uuid is { } uuid && (!byUuid.TryGetValue((row.RegionId, uuid), out var other) || (other.Size == 0 && row.Size > 0)))
            {
                byUuid[(row.RegionId, uuid)] = row;
            }
        }

        return byUuid;
    }

    /// <summary>Adds, writes and removes such that <paramref name="rowList"/> says what <paramref name="wanted"/> says.</summary>
    private void Merge<TRow, TWanted, TKey>(
        List<TRow> rowList,
        IEnumerable<TWanted> wanted,
        Func<TRow, TKey> keyOfRow,
        Func<TWanted, TKey> keyOfWanted,
        Func<TWanted, TRow> create,
        Action<TRow, TWanted> write,
        Func<TRow, bool>? scope = null)
        where TRow : class
        where TKey : notnull
    {
        // rows stand in the model's order: each is where it is looked for, up to what is new or gone
        var (count, next) = (rowList.Count, 0);
        TRow? Next()
        {
            while (next < count && scope is not null && !scope(rowList[next]))
            {
                next++;
            }

            return next < count ? rowList[next] : null;
        }

        Dictionary<TKey, TRow> Rest() => rowList.Take(count).Skip(next).Where(row => scope is null || scope(row)).ToDictionary(keyOfRow);

        Dictionary<TKey, TRow>? behind = null;
        foreach (var item in wanted)
        {
            var key = keyOfWanted(item);
            TRow? row;
            if (behind is null && Next() is { } candidate && EqualityComparer<TKey>.Default.Equals(keyOfRow(candidate), key))
            {
                row = candidate;
                next++;
            }
            else
            {
                behind ??= Rest();
                behind.Remove(key, out row);
            }

            if (row is null)
            {
                row = create(item);
                rowList.Add(row);
                changes.Add(row);
            }

            write(row, item);
        }

        if (behind is null && Next() is not null)
        {
            behind = Rest();
        }

        foreach (var gone in behind is null ? Enumerable.Empty<TRow>() : behind.Values)
        {
            rowList.Remove(gone);
            rows.Removed.Add(gone);
            changes.Remove(gone);
        }
    }
}
