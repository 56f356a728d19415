using System.Text.Json.Nodes;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Hosts;
using PmemFleet.Contracts.MediaErrors;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Processes;

namespace PmemFleet.Lab.Demo;

internal sealed partial class Tour
{
    private const long MappingBytes = 64L << 20;

    /// <summary>The poisoned block, 512-byte units from the device's first byte: in the third 2 MiB granule.</summary>
    private const long PoisonedBlock = (5L << 20) / 512;

    private const string PoisonList = $"namespaces/{DaxNamespace}/badblocks";

    private string Device => Report.DaxDevice!.Name;

    private Task FaultAsync(CancellationToken cancellation) => WithProcessAsync(
        async pid =>
        {
            var process = $"{HostPath}/processes/{pid}";
            Report.Mapping = await MapAsync(pid, cancellation);
            Report.PageTablesBefore = await api.GetAsync($"{process}/page-tables", Json.PageTablesDto, cancellation);
            Report.FirstTouch = await TouchAsync(pid, new() { Mapping = Report.Mapping.Id, Kind = "write", Length = new ByteSize(MappingBytes), Stride = new ByteSize(4096) }, cancellation);
            Report.PageTables = await api.GetAsync($"{process}/page-tables", Json.PageTablesDto, cancellation);
            Require(Report.FirstTouch.Outcome == "completed", "the touch did not complete");
            Require(Report.FirstTouch.Faults.Pmd == MappingBytes >> 21, "not one 2 MiB fault for each granule");
            Require(Report.FirstTouch.Faults.Pte == 0, "a 2 MiB device gave a 4 KiB entry");
            Require(Report.PageTables.Bytes.Pte == Report.PageTablesBefore.Bytes.Pte, "a 2 MiB device gave a table of 4 KiB entries");
        },
        cancellation);

    private Task RefusePrivateMappingAsync(CancellationToken cancellation) => WithProcessAsync(
        async pid =>
        {
            var problem = await api.RefusedAsync(
                $"{HostPath}/processes/{pid}/mappings",
                new CreateMappingRequest { Device = Device, Length = new ByteSize(MappingBytes), Flags = ["private"] },
                Json.CreateMappingRequest,
                cancellation);
            if (problem.Status == 404)
            {
                throw new TourException(problem.Detail ?? problem.Title) { Problem = problem };
            }

            Require(problem.Errno == "EINVAL", $"MAP_PRIVATE gave {problem.Errno}");
            Report.PrivateMapping = problem;
        },
        cancellation);

    private async Task PoisonAsync(CancellationToken cancellation)
    {
        await WithProcessAsync(
            async pid =>
            {
                var mapping = await MapAsync(pid, cancellation);
                var load = new CreateAccessRequest { Mapping = mapping.Id, Offset = new ByteSize(PoisonedBlock * 512), Kind = "read", Length = new ByteSize(8) };
                await TouchAsync(pid, load, cancellation);
                await api.DoAsync(
                    HttpMethod.Post,
                    $"{HostPath}/media-errors",
                    new MediaErrorRangeRequest { Namespace = DaxNamespace, Block = PoisonedBlock, Count = 1, Notify = false },
                    Json.MediaErrorRangeRequest,
                    cancellation);
                Report.PoisonedLoad = await TouchAsync(pid, load, cancellation);
                Require(Report.PoisonedLoad.Signal is { Signal: "SIGBUS", Code: "BUS_MCEERR_AR", AddressLsb: 21 }, "the load got no BUS_MCEERR_AR of a 2 MiB granule");
            },
            cancellation);
        Report.BadblocksFound = await BadblocksAsync(cancellation);
        Require(Report.BadblocksFound is [{ Offset: PoisonedBlock, Length: 1 }], "the load did not make the badblock known");
        await WriteOverAsync(cancellation);
        Report.BadblocksAfterWrite = await BadblocksAsync(cancellation);
        Require(Report.BadblocksAfterWrite.Count == 0, "the write did not clear the badblock");
    }

    /// <summary>
    /// A store through the mapping does not clear poison, a block write does: the namespace comes up raw for it, as an operator
    /// does on Linux with force_raw.
    /// </summary>
    private async Task WriteOverAsync(CancellationToken cancellation)
    {
        var path = $"{HostPath}/namespaces/{DaxNamespace}";
        var dataOffset = Report.Namespaces[0].DataOffset ?? throw new TourException("the devdax namespace has no data offset");
        await RebindAsync(forceRaw: true, cancellation);
        Report.ClearingWrite = await api.SendBytesAsync(
            $"{path}/data?offset={dataOffset + (PoisonedBlock * 512)}", new byte[512], Json.DataWrittenDto, cancellation);
        await RebindAsync(forceRaw: false, cancellation);
    }

    private async Task RebindAsync(bool forceRaw, CancellationToken cancellation)
    {
        var path = $"{HostPath}/namespaces/{DaxNamespace}";
        await api.DoAsync(HttpMethod.Post, $"{path}/disable", null, null, cancellation);
        await api.DoAsync(HttpMethod.Patch, path, new UpdateNamespaceRequest { ForceRaw = forceRaw }, Json.UpdateNamespaceRequest, cancellation);
        await api.DoAsync(HttpMethod.Post, $"{path}/enable", null, null, cancellation);
    }

    private async Task ListAsync(CancellationToken cancellation) =>
        Report.NdctlList = await api.GetNodeAsync($"{HostPath}/ndctl/list?namespaces=true&deviceDax=true&mediaErrors=true", cancellation);

    private async Task PowerCycleAsync(CancellationToken cancellation)
    {
        await api.DoAsync(HttpMethod.Post, $"{HostPath}/power", new PowerRequest { Action = "cycle" }, Json.PowerRequest, cancellation);
        await WaitReadyAsync(_host, cancellation);
        Report.HostAfterPowerCycle = await api.GetAsync(HostPath, Json.HostDto, cancellation);
        Report.NdctlListAfterPowerCycle = await api.GetNodeAsync($"{HostPath}/ndctl/list?namespaces=true&deviceDax=true&mediaErrors=true", cancellation);
        Require(Report.HostAfterPowerCycle.BootCount > Report.Host!.BootCount, "the host was not booted anew");
        Require(JsonNode.DeepEquals(Report.NdctlList, Report.NdctlListAfterPowerCycle), "the namespaces changed over the power cycle");
    }

    private async Task CheckAsync(CancellationToken cancellation)
    {
        Report.Check = await api.GetAsync($"{HostPath}/check", Json.HostCheckDto, cancellation);
        Require(Report.Check.Differences.Count == 0, "media and rows differ");
        Require(Report.Check.LabelAreas == 4 && Report.Check.InfoBlocks > 0, "the check read nothing");
    }

    private Task<MappingDto> MapAsync(int pid, CancellationToken cancellation) => api.SendAsync(
        HttpMethod.Post,
        $"{HostPath}/processes/{pid}/mappings",
        new CreateMappingRequest { Device = Device, Length = new ByteSize(MappingBytes), Protection = ["read", "write"], Flags = ["shared"] },
        Json.CreateMappingRequest,
        Json.MappingDto,
        cancellation);

    private Task<AccessDto> TouchAsync(int pid, CreateAccessRequest request, CancellationToken cancellation) => api.SendAsync(
        HttpMethod.Post, $"{HostPath}/processes/{pid}/accesses", request, Json.CreateAccessRequest, Json.AccessDto, cancellation);

    private async Task<IReadOnlyList<BadblockDto>> BadblocksAsync(CancellationToken cancellation) =>
        await api.GetAsync($"{HostPath}/{PoisonList}", Json.IReadOnlyListBadblockDto, cancellation);
}
