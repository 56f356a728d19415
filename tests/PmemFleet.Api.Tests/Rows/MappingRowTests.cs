using System.Net;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Dax;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Processes;

namespace PmemFleet.Api.Tests.Rows;

/// <summary>The rules of mmap, and the life of a device under its users, through the running product.</summary>
[Collection(ProductCollection.Name)]
public sealed class MappingRowTests(RealWorkerFixture fixture) : ProductRows(fixture)
{
    [Fact]
    [Trait("Row", "55")]
    [Trait("Row", "56")]
    [Trait("Row", "57")]
    [Trait("Row", "82")]
    [Trait("Row", "85")]
    [Trait("Row", "86")]
    [Trait("Row", "87")]
    [Trait("Row", "90")]
    public async Task Mmap_OfEveryKind_IsRefusedAsLinuxRefusesIt()
    {
        var host = await DaxHostAsync("mmaps", "64M", "2M");
        var pid = await ProcessAsync(host);
        Assert.Equal(["read"], (await MapAsync(host, pid, "2M", ""","openMode":"rdonly","protection":["read"]""")).Protection);
        foreach (var flags in (string[])["\"private\"", "\"private\",\"noreserve\""])
        {
            foreach (var protection in (string[])["\"read\"", "\"read\",\"write\""])
            {
                var refused = await RefusedMapAsync(host, pid, $$"""{"device":"dax0.0","length":"2M","flags":[{{flags}}],"protection":[{{protection}}]}""");
                Assert.Equal("EINVAL", refused.Errno);
                Assert.Contains("attempted private mapping", refused.Detail, StringComparison.Ordinal);
            }
        }

        var misaligned = await RefusedMapAsync(host, pid, """{"device":"dax0.0","length":"2M","flags":["fixed","shared"],"address":"0x7f0000001000"}""");
        Assert.Equal("EINVAL", misaligned.Errno);
        Assert.Contains("unaligned vma", misaligned.Detail, StringComparison.Ordinal);
        Assert.Equal("EINVAL", (await RefusedMapAsync(host, pid, """{"device":"dax0.0","length":"3M"}""")).Errno);
        Assert.Equal("EACCES", (await RefusedMapAsync(host, pid, """{"device":"dax0.0","length":"2M","openMode":"rdonly"}""")).Errno);

        // the kernel takes any offset whose page exists or not, but not one off the align: the first touch shows it
        await MapAsync(host, pid, "2M", ""","offset":4096""");
        Assert.Equal("SIGBUS", (await AccessAsync(host, pid, """{"mapping":2,"kind":"read","length":1}""")).Signal!.Signal);
    }

    [Fact]
    [Trait("Row", "92")]
    public async Task Mapping_Established_IsNotSplit()
    {
        var host = await DaxHostAsync("split", "64M", "2M");
        var pid = await ProcessAsync(host);
        await MapAsync(host, pid, "8M");
        await AccessAsync(host, pid, """{"mapping":1,"kind":"write","length":"8M","stride":"2M"}""");
        foreach (var call in (string[])["\"munmap\"", "\"mprotect\",\"protection\":[\"read\"]"])
        {
            Assert.Equal("EINVAL", (await RefusedCallAsync(host, pid, $$"""{"call":{{call}},"mapping":1,"offset":"4K","length":"4K"}""")).Errno);
        }

        Assert.Equal(4, (await Api.GetAsync<PageTablesDto>($"{host}/processes/{pid}/page-tables")).Leaves.Pmd);
        await CallAsync(host, pid, """{"call":"munmap","mapping":1,"offset":"2M","length":"2M"}""");
    }

    [Fact]
    [Trait("Row", "70")]
    [Trait("Row", "72")]
    [Trait("Row", "79")]
    [Trait("Row", "80")]
    public async Task Disable_UnderUsers_TakesEveryMappingAndKeepsDescriptorsSafe()
    {
        var host = await DaxHostAsync("users", "64M", "2M");
        int[] pids = [await ProcessAsync(host), await ProcessAsync(host)];
        foreach (var pid in pids)
        {
            await MapAsync(host, pid, "8M");
            await AccessAsync(host, pid, """{"mapping":1,"kind":"write","length":"8M","stride":"2M"}""");
        }

        var descriptor = (await CallAsync(host, pids[0], """{"call":"open","path":"/dev/dax0.0"}""")).Value;
        using var stop = new CancellationTokenSource();
        var faults = Task.Run(async () =>
        {
            var outcomes = new List<AccessDto>();
            while (!stop.IsCancellationRequested)
            {
                outcomes.Add(await AccessAsync(host, pids[1], """{"mapping":1,"kind":"read","length":"8M","stride":"2M"}"""));
                await CallAsync(host, pids[1], """{"call":"madvise","mapping":1,"advice":"dontneed"}""");
            }

            return outcomes;
        });
        await Api.PostAsync<NamespaceDto>($"{host}/namespaces/namespace0.0/disable", "{}");
        await stop.CancelAsync();
        Assert.All(await faults, outcome => Assert.True(outcome.Signal is null or { Signal: "SIGBUS", Code: "BUS_ADRERR" }));

        foreach (var pid in pids)
        {
            Assert.Equal(0, (await Api.GetAsync<PageTablesDto>($"{host}/processes/{pid}/page-tables")).Leaves.Pmd);
            Assert.Equal("BUS_ADRERR", (await AccessAsync(host, pid, """{"mapping":1,"kind":"read","length":1}""")).Signal!.Code);
        }

        // the open file keeps the device's object; nothing new is mapped, and closing it ends it
        await RefusedMapAsync(host, pids[0], """{"device":"dax0.0","length":"2M"}""");
        Assert.Equal(0, (await CallAsync(host, pids[0], $$"""{"call":"lseek","descriptor":{{descriptor}}}""")).Value);
        await CallAsync(host, pids[0], $$"""{"call":"close","descriptor":{{descriptor}}}""");
        await Api.PostAsync<NamespaceDto>($"{host}/namespaces/namespace0.0/enable", "{}");
        await MapAsync(host, pids[0], "2M");
    }

    [Fact]
    [Trait("Row", "59")]
    [Trait("Row", "60")]
    [Trait("Row", "61")]
    [Trait("Row", "67")]
    public async Task Pin_OfEveryPage_IsOfTheDataOnly_AndIsGivenBack()
    {
        var host = await DaxHostAsync("pins", "64M", "2M");
        var pid = await ProcessAsync(host);
        var device = await Api.GetAsync<DaxDeviceDto>($"{host}/dax-devices/dax0.0");
        await MapAsync(host, pid, $"{device.Size}");
        var pages = new HashSet<string>();
        var pins = new List<long>();
        for (long at = 0; at < device.Size; at += 2 * MiB)
        {
            var pinned = await CallAsync(host, pid, $$"""{"call":"pin","mapping":1,"offset":{{at}},"length":"2M","write":true}""");
            pins.Add(pinned.Value);
            pages.UnionWith(pinned.Pages!);
        }

        Assert.Equal(device.Size / 4096, pages.Count);
        var (first, last) = (Convert.ToInt64(device.Extents[0].Start, 16), Convert.ToInt64(device.Extents[0].End, 16));
        Assert.All(pages, page => Assert.InRange(Convert.ToInt64(page, 16), first, last));

        // disabled with a page pinned: nothing maps it any more, and the pin itself is still good
        await Api.PostAsync<NamespaceDto>($"{host}/namespaces/namespace0.0/disable", "{}");
        Assert.Equal("EFAULT", (await RefusedCallAsync(host, pid, """{"call":"pin","mapping":1,"length":"2M"}""")).Errno);

        // the range is not free before the last pin is gone: its next claim is refused in the kernel's words, and everything lives
        var busy = await Api.RefusedAsync(HttpMethod.Post, $"{host}/namespaces/namespace0.0/enable", "{}", HttpStatusCode.Conflict);
        Assert.Equal(("EBUSY", $"dax_pmem dax0.0: could not reserve region [mem 0x{first:x}-0x{last:x}]"), (busy.Errno, busy.Detail));
        Assert.Equal("disabled", (await Api.GetAsync<NamespaceDto>($"{host}/namespaces/namespace0.0")).State);

        foreach (var pin in pins)
        {
            await CallAsync(host, pid, $$"""{"call":"unpin","pin":{{pin}}}""");
        }

        await Eventually.Async(
            async () =>
            {
                using var enabled = await Api.SendJsonAsync(HttpMethod.Post, $"{host}/namespaces/namespace0.0/enable", "{}");
                return enabled.IsSuccessStatusCode;
            },
            TimeSpan.FromSeconds(20));
        Assert.Equal("enabled", (await Api.GetAsync<DaxDeviceDto>($"{host}/dax-devices/dax0.0")).State);
    }
}
