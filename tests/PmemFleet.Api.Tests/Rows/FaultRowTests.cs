using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Dax;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Planner;
using PmemFleet.Contracts.Processes;

namespace PmemFleet.Api.Tests.Rows;

/// <summary>Faults of processes on device-dax, and the planner's figures, through the running product.</summary>
[Collection(ProductCollection.Name)]
public sealed class FaultRowTests(RealWorkerFixture fixture) : ProductRows(fixture)
{
    [Fact]
    [Trait("Row", "1")]
    [Trait("Row", "9")]
    public async Task FirstTouch_OfAn1GiBDevice_IsOnePudEntry()
    {
        var host = await DaxHostAsync("pud", "4G", "1G");
        Assert.Equal(GiB, (await Api.GetAsync<NamespaceDto>($"{host}/namespaces/namespace0.0")).Align);
        var pid = await ProcessAsync(host);
        await MapAloneAsync(host, pid, "1G");
        var touched = await AccessAsync(host, pid, """{"mapping":1,"kind":"read","offset":"5M","length":1,"trace":true}""");
        Assert.Equal("pud huge_fault nopage", Assert.Single(Tries(touched)));
        var tables = await Api.GetAsync<PageTablesDto>($"{host}/processes/{pid}/page-tables");
        Assert.Equal((1, 0, 0), (tables.Leaves.Pud, tables.Leaves.Pmd, tables.Leaves.Pte));
    }

    [Fact]
    [Trait("Row", "9")]
    [Trait("Row", "83")]
    [Trait("Row", "84")]
    public async Task FirstTouch_OfA2MiBDevice_IsAPmdOfTheMediasOwnBytes()
    {
        var host = await DaxHostAsync("pmd", "256M", "2M");
        var pid = await ProcessAsync(host);
        await MapAloneAsync(host, pid, "8M");

        // an untouched page: the handler maps the media and not a page of zeroes
        var read = await AccessAsync(host, pid, """{"mapping":1,"kind":"read","offset":"2M","length":1,"trace":true}""");
        Assert.Equal(["pud huge_fault fallback", "pmd huge_fault nopage"], Tries(read));
        var device = await Api.GetAsync<DaxDeviceDto>($"{host}/dax-devices/dax0.0");
        Assert.Equal(Number(device.Extents[0].Start) + (2 * MiB), Number(read.Trace![^1].Physical!));

        var all = await AccessAsync(host, pid, """{"mapping":1,"kind":"write","length":"8M","stride":"4K"}""");
        Assert.Equal((3, 0, 0), (all.Faults.Pmd, all.Faults.Pte, all.Faults.Signalled));
        Assert.Equal(4, (await Api.GetAsync<PageTablesDto>($"{host}/processes/{pid}/page-tables")).Leaves.Pmd);

        await AccessAsync(host, pid, """{"mapping":1,"kind":"write","offset":"6M","length":5,"data":"aGVsbG8="}""");
        var other = await ProcessAsync(host);
        await MapAsync(host, other, "8M");
        Assert.Equal("hello"u8.ToArray(), (await AccessAsync(host, other, """{"mapping":1,"kind":"read","offset":"6M","length":5,"returnData":true}""")).Data);
    }

    [Fact]
    [Trait("Row", "10")]
    [Trait("Row", "12")]
    [Trait("Row", "16")]
    [Trait("Row", "48")]
    [Trait("Row", "66")]
    public async Task FirstTouch_OfA4KDevice_IsOneRecordWithOneTagAtATime()
    {
        var host = await DaxHostAsync("pte", "256M", "4K");
        var pid = await ProcessAsync(host);
        var mapping = await MapAloneAsync(host, pid, "4M");
        var touched = await AccessAsync(host, pid, $$"""{"mapping":1,"kind":"read","offset":{{0x1234}},"length":1,"trace":true}""");
        Assert.Equal(["pud huge_fault fallback", "pmd huge_fault fallback", "pte fault nopage"], Tries(touched));
        Assert.Single(touched.Trace!.Select(attempt => attempt.Fault).Distinct());
        Assert.All(touched.Trace!, attempt => Assert.Equal(Number(mapping.Start) + 0x1000, Number(attempt.Address)));

        // page 1 of the device lies behind info block and page map
        var space = await Api.GetAsync<NamespaceDto>($"{host}/namespaces/namespace0.0");
        Assert.Equal(Number(space.Start!) + space.DataOffset!.Value + 0x1000, Number(touched.Trace![^1].Physical!) & ~0xfffL);
        Assert.True(space.DataOffset > 8192);
    }

    [Fact]
    [Trait("Row", "14")]
    public async Task Platform_WithoutPudPages_HasNo1GiBDevicesAndWorks()
    {
        var host = await DaxHostAsync("nopud", "4G", "2M", """{"supportsPud":false}""");
        var pid = await ProcessAsync(host);
        await MapAloneAsync(host, pid, "1G");
        var all = await AccessAsync(host, pid, """{"mapping":1,"kind":"read","length":"1G","stride":"1M"}""");
        Assert.Equal((512, 0, 0), (all.Faults.Pmd, all.Faults.Pud, all.Faults.Signalled));
        await Api.RefusedAsync(HttpMethod.Post, $"{host}/namespaces/namespace0.0/reconfigure", """{"mode":"devdax","align":"1G","force":true}""", System.Net.HttpStatusCode.UnprocessableEntity);
    }

    [Fact]
    [Trait("Row", "58")]
    [Trait("Row", "65")]
    public async Task Touch_BeyondTheDevice_IsSigbusThoughMmapSucceeded()
    {
        var host = await DaxHostAsync("beyond", "64M", "2M");
        var size = (await Api.GetAsync<DaxDeviceDto>($"{host}/dax-devices/dax0.0")).Size;
        var pid = await ProcessAsync(host);
        await MapAsync(host, pid, "16G");
        var last = await AccessAsync(host, pid, $$"""{"mapping":1,"kind":"read","offset":{{size - 1}},"length":1}""");
        Assert.Null(last.Signal);
        var beyond = await AccessAsync(host, pid, $$"""{"mapping":1,"kind":"read","offset":{{size}},"length":1}""");
        Assert.Equal(("SIGBUS", "BUS_ADRERR"), (beyond.Signal!.Signal, beyond.Signal.Code));
    }

    [Fact]
    [Trait("Row", "3")]
    [Trait("Row", "4")]
    [Trait("Row", "5")]
    [Trait("Row", "6")]
    [Trait("Row", "96")]
    public async Task Plan_OfTheUsersExample_IsTheirFigures()
    {
        var plan = await Api.PostAsync<PageTablePlanDto>("/v1/planner/page-tables", """{"processes":10000,"memory":"6T"}""");
        Assert.Equal(["120000 GiB", "234.375 GiB", "468.75 MiB"], plan.Plans.Select(one => one.LeafText));
        Assert.Equal([6L << 28, 3_145_728, 6144], plan.Plans.Select(one => one.LeafEntriesPerProcess));
        Assert.All(plan.Plans, one => Assert.Equal(8 * (6L << 40) / one.Granule, one.LeafBytesPerProcess));
    }

    [Fact]
    [Trait("Row", "7")]
    [Trait("Row", "8")]
    public async Task Plan_OfTwiceTheMemory_IsTwiceTheLeaves_AndThreadsCostOneProcess()
    {
        var one = await Api.PostAsync<PageTablePlanDto>("/v1/planner/page-tables", """{"processes":10000,"memory":"6T"}""");
        var two = await Api.PostAsync<PageTablePlanDto>("/v1/planner/page-tables", """{"processes":10000,"memory":"12T"}""");
        var many = await Api.PostAsync<PageTablePlanDto>("/v1/planner/page-tables", """{"processes":20000,"memory":"6T"}""");
        var threads = await Api.PostAsync<PageTablePlanDto>("/v1/planner/page-tables", """{"processes":10000,"memory":"6T","tables":"shared"}""");
        Assert.Equal(one.Plans.Select(plan => 2 * plan.LeafBytes), two.Plans.Select(plan => plan.LeafBytes));
        Assert.Equal(one.Plans.Select(plan => 2 * plan.LeafBytes), many.Plans.Select(plan => plan.LeafBytes));
        Assert.Equal(one.Plans.Select(plan => plan.TableBytesPerProcess), threads.Plans.Select(plan => plan.TableBytes));
    }

    private static List<string> Tries(AccessDto access) => [.. access.Trace!.Select(attempt => $"{attempt.Size} {attempt.Handler} {attempt.Result}")];

    private static long Number(string hexadecimal) => Convert.ToInt64(hexadecimal, 16);
}
