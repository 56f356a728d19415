using System.Net;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Dimms;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Regions;

namespace PmemFleet.Api.Tests.Rows;

/// <summary>Labels, namespaces and their names through the running product.</summary>
[Collection(ProductCollection.Name)]
public sealed class NamespaceRowTests(RealWorkerFixture fixture) : ProductRows(fixture)
{
    [Fact]
    [Trait("Row", "18")]
    [Trait("Row", "19")]
    [Trait("Row", "22")]
    [Trait("Row", "35")]
    [Trait("Row", "42")]
    public async Task Labels_WhereThereWereNone_MakeARegionThatIsSubdivided()
    {
        var host = await HostAsync("bare-row", "512M");
        var region = await Api.GetAsync<RegionDto>($"{host}/regions/region0");
        var whole = Assert.Single(await NamespacesAsync(host));
        Assert.Equal((4, region.Size, (Guid?)null), (region.NamespaceType, whole.RawSize, whole.RawUuid));
        Assert.Equal("EINVAL", (await Api.RefusedAsync(HttpMethod.Patch, $"{host}/namespaces/namespace0.0", """{"size":"64M"}""", HttpStatusCode.UnprocessableEntity)).Errno);

        await Api.PostAsync<RegionDto>($"{host}/regions/region0/disable", "{}");
        Assert.Equal(128 << 10, (await Api.GetAsync<DimmDto>($"{host}/dimms/nmem0")).LabelSize);
        await Api.PostAsync<LabelsDto>($"{host}/dimms/nmem0/labels/init", """{"version":"1.2"}""");
        await Api.PostAsync<RegionDto>($"{host}/regions/region0/enable", "{}");
        region = await Api.GetAsync<RegionDto>($"{host}/regions/region0");
        Assert.Equal((5, region.Size, "namespace0.0"), (region.NamespaceType, region.AvailableSize, region.NamespaceSeed));
        Assert.Equal(0, Assert.Single((await Api.GetAsync<Contracts.Lists.ListPage<NamespaceDto>>($"{host}/namespaces?idle=true")).Items).RawSize);

        // a labelled namespace's size is written
        var made = await Api.PostAsync<NamespaceDto>($"{host}/namespaces", """{"mode":"raw","size":"64M"}""", HttpStatusCode.Created);
        await Api.PostAsync<NamespaceDto>($"{host}/namespaces/{made.Name}/disable", "{}");
        using var grown = await Api.SendJsonAsync(HttpMethod.Patch, $"{host}/namespaces/{made.Name}", """{"size":"128M"}""", "*");
        Assert.Equal(128 * MiB, (await grown.ExpectAsync<NamespaceDto>(HttpStatusCode.OK)).RawSize);
    }

    [Fact]
    [Trait("Row", "20")]
    [Trait("Row", "23")]
    [Trait("Row", "40")]
    [Trait("Row", "93")]
    public async Task Region_Subdivided_HasDisjointNamespacesThatAddUp()
    {
        var host = await HostAsync("halves", "512M", "1.2");
        var size = (await Api.GetAsync<RegionDto>($"{host}/regions/region0")).Size;
        for (var number = 0; number < 4; number++)
        {
            var made = await Api.PostAsync<NamespaceDto>($"{host}/namespaces", $$"""{"mode":"raw","size":{{size / 4}}}""", HttpStatusCode.Created);
            var extent = Assert.Single(made.Extents);
            Assert.Equal(("nmem0", size / 4), (extent.Dimm, extent.Length));
            Assert.Equal(size - ((number + 1) * size / 4), (await Api.GetAsync<RegionDto>($"{host}/regions/region0")).AvailableSize);
        }

        var spaces = await NamespacesAsync(host);
        Assert.Equal(["namespace0.0", "namespace0.1", "namespace0.2", "namespace0.3"], spaces.Select(space => space.Name));
        var starts = spaces.Select(space => Convert.ToInt64(space.Start, 16)).Order().ToList();
        Assert.All(starts.Zip(starts.Skip(1)), pair => Assert.Equal(size / 4, pair.Second - pair.First));
        Assert.Equal("ENOSPC", (await Api.RefusedAsync(HttpMethod.Post, $"{host}/namespaces", """{"mode":"raw","size":"16M"}""", HttpStatusCode.Conflict)).Errno);
        Assert.Equal("EBUSY", (await Api.RefusedAsync(HttpMethod.Post, $"{host}/regions", """{"dimms":["nmem0"],"dpaStart":0,"size":"64M","start":"4G"}""", HttpStatusCode.Conflict)).Errno);
    }

    [Fact]
    [Trait("Row", "21")]
    [Trait("Row", "43")]
    public async Task IndexBlock_Valid_IsWhatForcesLabels()
    {
        var host = await HostAsync("index", "128M", "1.1");
        var area = await BytesAsync($"{host}/dimms/nmem0/label-area");
        Assert.Equal(5, await TypeWithAsync(host, area));
        var one = (byte[])area.Clone();
        one[64] ^= 0xff;
        Assert.Equal(5, await TypeWithAsync(host, one));
        var both = (byte[])one.Clone();
        var second = Index(area, 1);
        both[second + 64] ^= 0xff;
        Assert.Equal(4, await TypeWithAsync(host, both));
        Assert.Equal(5, await TypeWithAsync(host, area));
        Assert.Equal(4, await TypeWithAsync(host, new byte[area.Length]));
    }

    [Fact]
    [Trait("Row", "38")]
    [Trait("Row", "39")]
    [Trait("Row", "49")]
    [Trait("Row", "52")]
    [Trait("Row", "53")]
    [Trait("Row", "54")]
    public async Task Namespace_InEveryMode_KeepsItsName()
    {
        var host = await HostAsync("names", "256M", "1.1");
        var sector = await Api.PostAsync<NamespaceDto>($"{host}/namespaces", """{"mode":"sector","sectorSize":4096}""", HttpStatusCode.Created);
        Assert.Equal((267_091_968L, 4096L, "pmem0s"), (sector.Size, sector.SectorSize, sector.BlockDevice));
        var listed = (await ListAsync($"{host}/ndctl/list?namespaces=true"))[0]!;
        Assert.Equal(("namespace0.0", "sector", 267_091_968L, sector.Uuid.ToString()), ((string?)listed["dev"], (string?)listed["mode"], (long)listed["size"]!, (string?)listed["uuid"]));
        const string Line = "100000000-10fffffff : namespace0.0\n";
        Assert.Contains(Line, await TextAsync($"{host}/iomem"), StringComparison.Ordinal);

        Assert.Equal("EBUSY", (await Api.RefusedAsync(HttpMethod.Post, $"{host}/namespaces/namespace0.0/reconfigure", """{"mode":"raw"}""", HttpStatusCode.Conflict)).Errno);
        foreach (var mode in (string[])["raw", "fsdax", "devdax", "sector", "raw"])
        {
            Assert.Equal(("namespace0.0", mode), (await ReconfigureAsync(host, "namespace0.0", $$"""{"mode":"{{mode}}","force":true}""")) is var now ? (now.Name, now.Mode) : default);
            var memory = await TextAsync($"{host}/iomem");
            Assert.Contains(" : namespace0.0\n", memory, StringComparison.Ordinal);
            var text = memory + await TextAsync($"{host}/ndctl/list?namespaces=true&regions=true&idle=true");
            Assert.All((string[])["btt0", "pfn0"], name => Assert.DoesNotContain(name, text, StringComparison.Ordinal));
        }

        // raw again: the info blocks are zeroed, so a boot finds nothing
        Assert.All(await BytesAsync($"{host}/namespaces/namespace0.0/data?offset=4096&length=4096"), value => Assert.Equal(0, value));
        await PowerAsync(host, "cycle");
        Assert.Equal("raw", Assert.Single(await NamespacesAsync(host)).Mode);
    }

    private static int Index(byte[] area, int number)
    {
        var signature = "NAMESPACE_INDEX\0"u8;
        var at = -1;
        for (var found = 0; found <= number; found++)
        {
            at += 1 + area.AsSpan(at + 1).IndexOf(signature);
        }

        return at;
    }

    private async Task<int> TypeWithAsync(string host, byte[] area)
    {
        await Api.PostAsync<RegionDto>($"{host}/regions/region0/disable", "{}");
        await WriteAsync($"{host}/dimms/nmem0/label-area", area);

        // a DIMM that had labels once takes labels until the next boot
        await PowerAsync(host, "cycle");
        return (await Api.GetAsync<RegionDto>($"{host}/regions/region0")).NamespaceType;
    }
}
