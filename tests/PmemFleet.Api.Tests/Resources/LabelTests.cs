using System.Net;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Dimms;
using PmemFleet.Contracts.Hosts;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Regions;

namespace PmemFleet.Api.Tests.Resources;

/// <summary>Label areas: a real kernel's bytes in, our bytes out.</summary>
public sealed class LabelTests(ResourceFixture fixture) : IClassFixture<ResourceFixture>
{
    private readonly HttpClient _api = fixture.Admin;

    /// <summary>The DIMM of the vector: its interleave-set cookie is in the labels.</summary>
    private Task<HostDto> CreateAsync(string name) => _api.CreateReadyHostAsync(
        $$"""
        {"name":"{{name}}","dimms":[{"capacity":"1G","labelSize":"2M","serialNumber":"0x123456","vendorId":"0x8086"}],"regions":[{"dimms":["nmem0"]}]}
        """);

    private async Task ImportAsync(string host, byte[] area)
    {
        await _api.PostAsync<RegionDto>($"/v1/hosts/{host}/regions/region0/disable", "{}");
        var labels = await (await _api.PutBytesAsync($"/v1/hosts/{host}/dimms/nmem0/label-area", area)).ExpectAsync<LabelsDto>(HttpStatusCode.OK);
        Assert.Empty(labels.Complaints);
        await _api.PostAsync<RegionDto>($"/v1/hosts/{host}/regions/region0/enable", "{}");
    }

    [Fact]
    [Trait("Row", "20")]
    [Trait("Row", "43")]
    public async Task Import_AreaOfARealKernel_ListsItsNamespacesAsNdctlDid()
    {
        await CreateAsync("import");
        await ImportAsync("import", Vectors.Read("c_multi.four.label"));
        var found = await _api.GetAsync<ListPage<NamespaceDto>>("/v1/hosts/import/namespaces");
        Assert.Equal(
            [
                "namespace0.0 alpha 134217728 00000301-0000-4000-8000-000000000301 0x100000000 nmem0:0+134217728",
                "namespace0.1 beta 268435456 00000302-0000-4000-8000-000000000302 0x108000000 nmem0:134217728+268435456",
                "namespace0.2 gamma 134217728 00000303-0000-4000-8000-000000000303 0x118000000 nmem0:402653184+134217728",
                "namespace0.3 delta 67108864 00000304-0000-4000-8000-000000000304 0x120000000 nmem0:536870912+67108864",
            ],
            found.Items.Select(space => $"{space.Name} {space.AltName} {space.RawSize} {space.RawUuid} {space.Start} "
                + string.Join(' ', space.Extents.Select(extent => $"{extent.Dimm}:{extent.Dpa}+{extent.Length}"))));
        var region = await _api.GetAsync<RegionDto>("/v1/hosts/import/regions/region0");
        Assert.Equal((469762048L, 469762048L, "0x2468ac00123456", 5), (region.AvailableSize, region.MaxAvailableExtent, region.IsetId, region.NamespaceType));
        Assert.Equal("8680-56341200", (await _api.GetAsync<DimmDto>("/v1/hosts/import/dimms/nmem0")).UniqueId);
        Assert.Empty((await _api.GetAsync<HostCheckDto>("/v1/hosts/import/check")).Differences);
    }

    [Fact]
    public async Task Create_AsTheRealKernelWasAsked_WritesTheSameLabelArea()
    {
        await CreateAsync("same");
        await _api.PostAsync<RegionDto>("/v1/hosts/same/regions/region0/disable", "{}");
        await _api.PostAsync<LabelsDto>("/v1/hosts/same/dimms/nmem0/labels/init", """{"version":"1.1","force":true}""");
        await _api.PostAsync<RegionDto>("/v1/hosts/same/regions/region0/enable", "{}");
        string[] wanted =
        [
            """{"mode":"fsdax","size":"128M","altName":"alpha","uuid":"00000301-0000-4000-8000-000000000301"}""",
            """{"mode":"devdax","size":"256M","altName":"beta","uuid":"00000302-0000-4000-8000-000000000302"}""",
            """{"mode":"sector","size":"128M","altName":"gamma","uuid":"00000303-0000-4000-8000-000000000303"}""",
            """{"mode":"raw","size":"64M","altName":"delta","uuid":"00000304-0000-4000-8000-000000000304"}""",
        ];
        foreach (var request in wanted)
        {
            await _api.PostAsync<NamespaceDto>("/v1/hosts/same/namespaces", request, HttpStatusCode.Created);
        }

        var ours = await _api.GetByteArrayAsync(new Uri("/v1/hosts/same/dimms/nmem0/label-area", UriKind.Relative));
        Assert.True(Vectors.Read("c_multi.four.label").SequenceEqual(ours));
    }

    [Fact]
    [Trait("Row", "19")]
    public async Task Zero_LabelledDimm_FallsBackToOneLabelLessNamespace()
    {
        await CreateAsync("zero");
        await ImportAsync("zero", Vectors.Read("c_multi.four.label"));
        await _api.PostAsync<RegionDto>("/v1/hosts/zero/regions/region0/disable", "{}");
        await _api.PostAsync<LabelsDto>("/v1/hosts/zero/dimms/nmem0/labels/zero", "{}");
        await _api.PostAsync<HostDto>("/v1/hosts/zero/power", """{"action":"cycle"}""");
        var whole = Assert.Single((await _api.GetAsync<ListPage<NamespaceDto>>("/v1/hosts/zero/namespaces")).Items);
        Assert.Equal(("raw", 1L << 30, (Guid?)null), (whole.Mode, whole.RawSize, whole.RawUuid));
        Assert.Equal(4, (await _api.GetAsync<RegionDto>("/v1/hosts/zero/regions/region0")).NamespaceType);
    }

    [Fact]
    public async Task Write_ActiveRegionOrWrongLength_IsRefusedAndChangesNothing()
    {
        await CreateAsync("refuse");
        await ImportAsync("refuse", Vectors.Read("c_multi.four.label"));
        var before = await _api.GetByteArrayAsync(new Uri("/v1/hosts/refuse/dimms/nmem0/label-area", UriKind.Relative));
        var busy = await _api.RefusedAsync(HttpMethod.Post, "/v1/hosts/refuse/dimms/nmem0/labels/init", """{"version":"1.2","force":true}""", HttpStatusCode.Conflict);
        Assert.Equal(("EBUSY", "dimm-active"), (busy.Errno, busy.Code));
        var version = await _api.RefusedAsync(HttpMethod.Post, "/v1/hosts/refuse/dimms/nmem0/labels/init", """{"version":"2.0"}""", HttpStatusCode.UnprocessableEntity);
        Assert.Equal(["1.1", "1.2"], version.Allowed);
        var length = await (await _api.PutBytesAsync("/v1/hosts/refuse/dimms/nmem0/label-area", new byte[5])).ReadProblemAsync();
        Assert.Equal(("label-area-length", "2097152"), (length.Code, Assert.Single(length.Allowed!)));
        Assert.Equal(before, await _api.GetByteArrayAsync(new Uri("/v1/hosts/refuse/dimms/nmem0/label-area", UriKind.Relative)));
    }
}
