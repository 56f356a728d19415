using PmemFleet.Contracts;
using PmemFleet.Contracts.Dimms;
using PmemFleet.Contracts.Hosts;
using PmemFleet.Contracts.Namespaces;

namespace PmemFleet.Lab.Demo;

internal sealed partial class Tour
{
    private const string DaxNamespace = "namespace0.0";

    private static readonly CreateNamespaceRequest[] FourModes =
    [
        new() { Region = "region0", Mode = "devdax", Size = new ByteSize(1L << 30), Align = new ByteSize(2L << 20), AltName = "cache" },
        new() { Region = "region0", Mode = "fsdax", Size = new ByteSize(1L << 30), AltName = "files" },
        new() { Region = "region0", Mode = "sector", Size = new ByteSize(512L << 20), SectorSize = new ByteSize(4096), AltName = "journal" },
        new() { Region = "region1", Mode = "raw", Size = new ByteSize(256L << 20), AltName = "scratch" },
    ];

    private async Task ProvisionHostAsync(CancellationToken cancellation)
    {
        var dimm = new CreateDimmRequest { Capacity = new ByteSize(4L << 30), LabelSize = new ByteSize(128 << 10) };
        var request = new CreateHostRequest
        {
            Name = _host,
            Labels = new Dictionary<string, string> { ["role"] = "demo" },
            Dimms = [dimm, dimm, dimm, dimm],
            Regions =
            [
                new() { Dimms = ["nmem0", "nmem1", "nmem2", "nmem3"], Size = new ByteSize(12L << 30) },
                new() { Dimms = ["nmem0"] },
            ],
        };
        await api.SendAsync(HttpMethod.Post, "/v1/hosts", request, Json.CreateHostRequest, Json.HostDto, cancellation);
        await WaitReadyAsync(_host, cancellation);
        Report.Host = await api.GetAsync(HostPath, Json.HostDto, cancellation);
        Require(Report.Host.DimmCount == 4 && Report.Host.RegionCount == 2, "the host does not have four DIMMs and two regions");
    }

    private async Task InitialiseLabelsAsync(CancellationToken cancellation)
    {
        foreach (var region in (string[])["region0", "region1"])
        {
            await api.DoAsync(HttpMethod.Post, $"{HostPath}/regions/{region}/disable", null, null, cancellation);
        }

        foreach (var dimm in (string[])["nmem0", "nmem1", "nmem2", "nmem3"])
        {
            await api.DoAsync(
                HttpMethod.Post, $"{HostPath}/dimms/{dimm}/labels/init", new() { Version = "1.2" }, Json.InitLabelsRequest, cancellation);
        }

        foreach (var region in (string[])["region0", "region1"])
        {
            await api.DoAsync(HttpMethod.Post, $"{HostPath}/regions/{region}/enable", null, null, cancellation);
        }

        Report.Dimms = await ListAsync($"{HostPath}/dimms", Json.ListPageDimmDto, cancellation);
        Report.Regions = await ListAsync($"{HostPath}/regions", Json.ListPageRegionDto, cancellation);
        Require(Report.Dimms.All(dimm => dimm.LabelVersion == "1.2"), "a DIMM has no v1.2 labels");
        Require(Report.Regions.All(region => region.NamespaceType == 5), "a region is still label-less");
    }

    private async Task CreateNamespacesAsync(CancellationToken cancellation)
    {
        foreach (var request in FourModes)
        {
            var created = await api.SendAsync(
                HttpMethod.Post, $"{HostPath}/namespaces", request, Json.CreateNamespaceRequest, Json.NamespaceDto, cancellation);
            Require(created.Mode == request.Mode && created.State == "enabled", $"{created.Name} is {created.State} in mode {created.Mode}");
            Report.Namespaces.Add(created);
        }

        var devices = await ListAsync($"{HostPath}/dax-devices", Json.ListPageDaxDeviceDto, cancellation);
        Report.DaxDevice = devices.Single(device => device.Namespace == DaxNamespace);
        Require(Report.DaxDevice.Align == 2 << 20, "the dax device is not aligned to 2 MiB");
    }

    private async Task ImportLabelsAsync(CancellationToken cancellation)
    {
        var area = await KernelLabels.AreaAsync(cancellation);
        var request = new CreateHostRequest
        {
            Name = _importHost,
            Dimms = [new() { Capacity = new ByteSize(1L << 30), LabelSize = new ByteSize(area.Length), SerialNumber = KernelLabels.SerialNumber }],
            Regions = [new() { Dimms = ["nmem0"] }],
        };
        var path = $"/v1/hosts/{_importHost}";
        await api.SendAsync(HttpMethod.Post, "/v1/hosts", request, Json.CreateHostRequest, Json.HostDto, cancellation);
        await WaitReadyAsync(_importHost, cancellation);
        await api.DoAsync(HttpMethod.Post, $"{path}/regions/region0/disable", null, null, cancellation);
        await api.DoAsync(HttpMethod.Put, $"{path}/dimms/nmem0/label-area", area, "application/octet-stream", cancellation);
        await api.DoAsync(HttpMethod.Post, $"{path}/regions/region0/enable", null, null, cancellation);
        Report.Imported = [.. (await ListAsync($"{path}/namespaces", Json.ListPageNamespaceDto, cancellation)).Where(n => n.RawSize > 0)];
        foreach (var (printed, index) in KernelLabels.PrintedByNdctl.Select((line, index) => (line, index)))
        {
            Require(index < Report.Imported.Count, $"{printed.Name} is missing");
            var found = Report.Imported[index];
            Require(
                found.Name == printed.Name && found.AltName == printed.AltName && found.RawUuid == printed.Uuid && found.RawSize == printed.Size
                    && found.Extents.Count == 1 && found.Extents[0].Dpa == printed.Dpa,
                $"{found.Name} is not what the real ndctl printed");
        }

        Require(Report.Imported.Count == KernelLabels.PrintedByNdctl.Count, "a namespace was found that the real ndctl did not print");
    }
}
