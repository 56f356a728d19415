using PmemFleet.Api.Conventions;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts.Dimms;
using PmemFleet.Nvdimm.Labels;
using PmemFleet.Nvdimm.Model;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Api.Dimms;

/// <summary>What can be done to a DIMM's label area.</summary>
public static class LabelCommands
{
    public static WriteOutcome Init(HostAggregate host, string dimm, InitLabelsRequest request) =>
        LabelTexts.ToVersion(request.Version ?? LabelTexts.Versions[0]) is { } version
            ? Change(host, dimm, "labels.initialised", () => host.Bus.InitLabels(dimm, version, request.Force))
            : Refusals.Invalid("label-version", "version", "A label version is 1.1 or 1.2.", LabelTexts.Versions);

    public static WriteOutcome Zero(HostAggregate host, string dimm, ZeroLabelsRequest request) =>
        request.Offset?.Value > int.MaxValue || request.Length?.Value > int.MaxValue
            ? Refusals.Invalid("outside-label-area", "offset", "The range is outside the label area.")
            : Change(host, dimm, "labels.zeroed", () => host.Bus.ZeroLabels(dimm, (int)(request.Offset?.Value ?? 0), (int?)request.Length?.Value));

    /// <summary>Replaces the whole area.</summary>
    public static WriteOutcome Import(HostAggregate host, string dimm, ReadOnlyMemory<byte> area) =>
        host.FindDimm(dimm) is { LabelSize: > 0 } row && row.LabelSize != area.Length
            ? Refusals.Invalid("label-area-length", "#/body", $"The label area of {dimm} has {row.LabelSize} bytes.", $"{row.LabelSize}").With("bytes", area.Length)
            : Change(host, dimm, "labels.imported", () => host.Bus.WriteLabels(dimm, 0, area));

    public static LabelsDto ToDto(string dimm, LabelArea area) => new()
    {
        Dimm = dimm,
        ReadLabels = LabelListing.Of(dimm, area),
        CurrentIndex = DimmLabels.Probe(0, area).TryGet(out var labels, out _) && labels.HasIndex ? labels.CurrentIndex : null,
        Complaints = LabelTool.Check(area).Refusal is { } complaint ? [complaint.Message] : [],
    };

    private static WriteOutcome Change(HostAggregate host, string name, string type, Func<Outcome<Done>> command)
    {
        if (host.FindDimm(name) is not { } row)
        {
            return WriteOutcome.NotFound("dimm", name);
        }

        if (host.IfMatch(row.Id, row.Version) is { } stale)
        {
            return stale;
        }

        if (command().Refusal is { } refusal)
        {
            return refusal;
        }

        host.Save();
        host.Event(type, name, DimmProjection.ToDto(host.Name, row, null));
        return new WriteOutcome.Ok(ToDto(name, AreaOf(host.Bus.FindDimm(name)!)), Etag.Of(row.Id, row.Version));
    }

    private static LabelArea AreaOf(Dimm dimm) => dimm.Area ?? throw new InvalidOperationException($"{dimm.Name} has no label area");
}
