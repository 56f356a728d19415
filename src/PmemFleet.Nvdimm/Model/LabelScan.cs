using System.Buffers.Binary;
using System.Runtime.InteropServices;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Labels;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Model;

/// <summary>What a region's labels make: the scan of a region's probe (spec 10 section 11).</summary>
internal sealed class LabelScan
{
    private readonly Region _region;
    private readonly List<NamespaceLabel>[] _labels;
    private readonly Dictionary<Guid, List<NamespaceLabel>>[] _byUuid;

    private LabelScan(Region region)
    {
        _region = region;
        _labels = [.. region.Mappings.Select(m => m.Dimm.Labels!.Active().ToList())];
        _byUuid = [.. _labels.Select(labels => labels.GroupBy(l => l.Uuid).ToDictionary(g => g.Key, g => g.ToList()))];
    }

    /// <summary>A namespace that labels describe.</summary>
    internal readonly record struct Found(NamespaceLabel First, long Start, long Size);

    /// <summary>The namespaces in the order of their numbers, or ENODEV where one label spoils the region.</summary>
    public static Outcome<List<Found>> Run(Region region) => new LabelScan(region).Run();

    private Outcome<List<Found>> Run()
    {
        var part = _region.Mappings[0].Part;
        var cookie = _region.Cookie;
        var alternative = _region.Cookies!.Value.Alternative;
        var found = new List<Found>();
        var seen = new HashSet<Guid>();
        foreach (var label in _labels[0])
        {
            if (label.Dpa < (ulong)part.Start || label.Dpa >= (ulong)part.End)
            {
                continue;
            }

            if (seen.Contains(label.Uuid))
            {
                return Fail("label-uuid-conflict", $"error: conflicting extents for uuid: {label.Uuid}");
            }

            if (cookie == 0)
            {
                return Fail("no-cookie", "no interleave-set cookie");
            }

            if (label.Cookie != cookie && label.Cookie != alternative)
            {
                continue;
            }

            for (var position = 0; position < _region.Ways; position++)
            {
                if (!IsAt(position, label.Uuid, cookie) && !IsAt(position, label.Uuid, alternative))
                {
                    return Fail("label-missing", $"{_region.Mappings[0].Dimm.Name} missing label for {label.Uuid}");
                }
            }

            if (Make(label.Uuid) is not { } made)
            {
                return Fail("label-extent-invalid", "invalid label(s)");
            }

            seen.Add(label.Uuid);
            found.Add(made);
        }

        // the kernel sorts by the bytes of the little-endian start address
        found.Sort((a, b) => BinaryPrimitives.ReverseEndianness((ulong)a.Start).CompareTo(BinaryPrimitives.ReverseEndianness((ulong)b.Start)));
        return found;
    }

    private bool IsAt(int position, Guid uuid, ulong cookie)
    {
        for (var i = 0; i < _byUuid.Length; i++)
        {
            var count = 0;
            var checksType = _region.Mappings[i].Dimm.Labels!.Geometry.Version == LabelVersion.V12;
            foreach (ref readonly var label in CollectionsMarshal.AsSpan(_byUuid[i].GetValueOrDefault(uuid)))
            {
                if (label.Cookie != cookie || (checksType && label.TypeGuid != AbstractionGuids.PmemRange))
                {
                    continue;
                }

                if (++count > 1)
                {
                    return false;
                }

                if (label.LabelCount == _region.Ways && label.Position == position)
                {
                    return true;
                }
            }
        }

        return false;
    }

    private Found? Make(Guid uuid)
    {
        var size = 0L;
        NamespaceLabel? first = null;
        for (var i = 0; i < _byUuid.Length; i++)
        {
            if (!_byUuid[i].TryGetValue(uuid, out var labels))
            {
                return null;
            }

            var label = labels[0];
            var part = _region.Mappings[i].Part;
            var end = (Int128)label.Dpa + label.RawSize;
            if (label.Dpa < (ulong)part.Start || label.Dpa >= (ulong)part.End || end > part.End || label.RawSize == 0)
            {
                return null;
            }

            size += (long)label.RawSize;
            first ??= label.Position == 0 ? label : null;
        }

        var reserved = _region.Mappings[0].Dimm.Space.FirstOf(uuid);
        return first is { } named && reserved is { } extent
            ? new Found(named, _region.Start + ((extent.Start - _region.Mappings[0].Part.Start) * _region.Ways), size)
            : null;
    }

    private Refusal Fail(string rule, string message) => new(Errno.ENODEV, rule, $"nd_region {_region.Name}: {message}");

    /// <summary>Puts what a label says into a namespace.</summary>
    internal static void Apply(Found found, PmemNamespace device)
    {
        device.Uuid = found.First.Uuid;
        device.AltName = found.First.Name;
        device.SectorSize = (int)found.First.SectorSize;
        device.ClaimClass = AbstractionGuids.ClassOf(found.First.AbstractionGuid);
        device.UnknownAbstraction = device.ClaimClass == ClaimClass.Unknown ? found.First.AbstractionGuid : Guid.Empty;
        device.Size = found.Size;
        device.Start = found.Start;
    }
}
