using PmemFleet.Nvdimm.Labels;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Model;

/// <content>The labels behind a namespace's attributes (spec 10 section 12).</content>
public sealed partial class Bus
{
    private static Outcome<Done> UpdateLabels(PmemNamespace device, Guid? replaces = null)
    {
        if (device.Kind == NamespaceKind.Io || device.IsHeld || device.Uuid is not { } uuid)
        {
            return default(Done);
        }

        var region = device.Region;
        var dimms = new DimmLabels[region.Mappings.Count];
        for (var i = 0; i < dimms.Length; i++)
        {
            if (region.Mappings[i].Dimm.Labels is not { } view)
            {
                return new Refusal(Errno.ENXIO, "dimm-disabled", $"{region.Mappings[i].Dimm.Name}: No such device or address");
            }

            dimms[i] = view;
        }

        if (device.Size == 0)
        {
            SetLabelUpdate.Delete(dimms, uuid);
            return default(Done);
        }

        Span<NamespaceLabel> labels = new NamespaceLabel[dimms.Length];
        for (var i = 0; i < dimms.Length; i++)
        {
            var cookie = region.Cookies!.Value.For(dimms[i].SelectsFirstCookie);
            if (cookie == 0 || region.Mappings[i].Dimm.Space.FirstOf(uuid) is not { } extent)
            {
                return new Refusal(Errno.ENXIO, "no-cookie", $"{region.Name}: No such device or address");
            }

            labels[i] = new NamespaceLabel
            {
                Uuid = uuid,
                Name = device.AltName,
                LabelCount = (ushort)dimms.Length,
                Position = (ushort)i,
                Cookie = cookie,
                SectorSize = (ulong)device.SectorSize,
                Dpa = (ulong)extent.Start,
                RawSize = (ulong)extent.Length,
                TypeGuid = AbstractionGuids.PmemRange,
                AbstractionGuid = AbstractionGuids.For(device.ClaimClass, device.UnknownAbstraction),
            };
        }

        return SetLabelUpdate.Write(dimms, labels, replaces);
    }
}
