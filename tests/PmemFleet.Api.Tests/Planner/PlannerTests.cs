using System.Net;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Planner;

namespace PmemFleet.Api.Tests.Planner;

/// <summary>The page-table planner as a caller meets it.</summary>
public sealed class PlannerTests(ApiFixture fixture) : IClassFixture<ApiFixture>
{
    private const string Path = "/v1/planner/page-tables";
    private readonly HttpClient _api = fixture.Admin;

    [Fact]
    [Trait("Row", "4")]
    [Trait("Row", "5")]
    [Trait("Row", "6")]
    public async Task Plan_TenThousandProcessesOnSixTiB_IsTheUsersFiguresAndTheFullCost()
    {
        var plan = await _api.PostAsync<PageTablePlanDto>(Path, """{"processes":10000,"memory":"6T","simulate":true}""");

        Assert.Equal(["120000 GiB", "234.375 GiB", "468.75 MiB"], plan.Plans.Select(one => one.LeafText));
        Assert.Equal([129_101_209_600_000, 252_190_720_000, 532_480_000], plan.Plans.Select(one => one.TableBytes));
        Assert.True(plan.Agrees);
        Assert.Equal(plan.Plans, plan.Simulated!);
    }

    [Fact]
    public async Task Plan_EveryInput_CountsWhereItShould()
    {
        var shared = await _api.PostAsync<PageTablePlanDto>(Path, """{"processes":10000,"memory":"6T","tables":"shared","levels":5,"map":"dev","deduplicateVmemmap":true,"granules":["1G"],"structPageSize":128,"tlb":{"secondPud":{"entries":1024,"ways":4}}}""");
        var one = Assert.Single(shared.Plans);
        Assert.Equal((12L + 1 + 1) * 4096, one.TableBytes);
        Assert.Equal((1L, 0L, 6144L * 8192), (one.TablePages.P4d, one.StructPageBytesInMemory, one.StructPageBytes));
        Assert.Equal((1024, 1L << 40), (one.TlbEntries, one.TlbReachBytes));
        Assert.Null(shared.Agrees);
    }

    [Theory]
    [InlineData("""{"memory":"6T"}""", 400, "/processes")]
    [InlineData("""{"processes":0,"memory":"6T"}""", 400, "/processes")]
    [InlineData("""{"processes":9223372036854775807,"memory":"6T"}""", 400, "/processes")]
    [InlineData("""{"processes":1,"memory":0}""", 422, "/memory")]
    [InlineData("""{"processes":1,"memory":"3M"}""", 422, "/memory")]
    [InlineData("""{"processes":1,"memory":9223372036854775807}""", 422, "/memory")]
    [InlineData("""{"processes":1,"memory":"1P"}""", 400, "/memory")]
    [InlineData("""{"processes":4194304,"memory":"16384T","levels":5,"granules":["4K"]}""", 422, "/processes")]
    [InlineData("""{"processes":1,"memory":"6T","levels":3}""", 422, "/levels")]
    [InlineData("""{"processes":1,"memory":"6T","granules":[]}""", 422, "/granules")]
    [InlineData("""{"processes":1,"memory":"6T","granules":["4K","4K"]}""", 422, "/granules/1")]
    [InlineData("""{"processes":1,"memory":"6T","granules":["16K"]}""", 422, "/granules/0")]
    [InlineData("""{"processes":1,"memory":"6T","start":0,"simulate":true}""", 422, "/start")]
    [InlineData("""{"processes":1,"memory":"6T","map":"disk"}""", 422, "/map")]
    [InlineData("""{"processes":1,"memory":"6T","tables":"none"}""", 422, "/tables")]
    [InlineData("""{"processes":1,"memory":"6T","structPageSize":0}""", 400, "/structPageSize")]
    [InlineData("""{"processes":1,"memory":"6T","start":9223372036854771712,"granules":["4K"]}""", 422, "/memory")]
    [InlineData("""{"processes":1,"memory":"6T","tlb":{"walkTop":{"entries":3,"ways":2}}}""", 422, "/tlb")]
    [InlineData("""{"processes":100000,"memory":"6T","simulate":true}""", 422, "/simulate")]
    [InlineData("""{"processes":20000,"memory":"63T","simulate":true}""", 422, "/simulate")]
    public async Task Plan_NumbersThatFitNothing_AreRefusedWithTheirMember(string json, int status, string member)
    {
        var problem = await _api.RefusedAsync(HttpMethod.Post, Path, json, (HttpStatusCode)status);
        Assert.Contains(member, problem.Errors!.Select(error => error.Pointer));
    }

    [Fact]
    public async Task Plan_ByAViewer_IsAllowed()
    {
        var viewer = fixture.Client(await fixture.CreateKeyAsync("viewer"));
        await viewer.PostAsync<PageTablePlanDto>(Path, """{"processes":1,"memory":"1G"}""");
    }
}
