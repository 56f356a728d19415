using System.Net;
using CsCheck;
using PmemFleet.Api.MediaErrors;
using PmemFleet.Api.Regions;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Dimms;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.MediaErrors;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Regions;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Tests.Resources;

/// <summary>Where errors are: blocks, region offsets and DPA.</summary>
public sealed class MediaErrorTests(ResourceFixture fixture) : IClassFixture<ResourceFixture>
{
    private readonly HttpClient _api = fixture.Admin;

    private static readonly Gen<(RegionMappingRow[] Mappings, ByteRange Range)> Sets =
        from ways in Gen.Int[1, 6]
        from lines in Gen.Long[1, 64]
        from starts in Gen.Long[0, 100].Array[ways]
        from start in Gen.Long[0, (ways * lines * 4096) - 1]
        from length in Gen.Long[1, (ways * lines * 4096) - start]
        select (
            starts.Select((first, position) => new RegionMappingRow
            {
                HostId = Guid.Empty,
                RegionId = Guid.Empty,
                Index = position,
                DimmId = new Guid(position + 1, 0, 0, new byte[8]),
                DpaStart = first * 4096,
                Length = lines * 4096,
                Position = position,
                RegionOffset = 0,
            }).ToArray(),
            new ByteRange(start, length));

    [Fact]
    public void ToDimms_ThenToRegion_GivesTheSameBytesBack() => Sets.Sample(set =>
    {
        var there = InterleaveLines.ToDimms(set.Mappings, set.Range);
        Assert.Equal(set.Range.Length, there.Sum(part => part.Dpa.Length));
        var back = there
            .SelectMany(part => InterleaveLines.ToRegion(set.Mappings.Single(mapping => mapping.DimmId == part.DimmId), set.Mappings.Length, part.Dpa))
            .OrderBy(range => range.Start).ToList();
        var at = set.Range.Start;
        foreach (var range in back)
        {
            Assert.Equal(at, range.Start);
            at = range.End;
        }

        Assert.Equal(set.Range.End, at);
    });

    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(4096, 1, 0)]
    [InlineData((5 * 4096) + 7, 1, 4096 + 7)]
    [InlineData((11 * 4096) + 4095, 3, (2 * 4096) + 4095)]
    public void ToDimms_FourWays_LinesGoRound(long offset, int position, long dpa)
    {
        RegionMappingRow[] set = [.. Enumerable.Range(0, 4).Select(index => new RegionMappingRow
        {
            HostId = Guid.Empty, RegionId = Guid.Empty, Index = index, DimmId = new Guid(index, 0, 0, new byte[8]), DpaStart = 1 << 20, Length = 1 << 20, Position = index, RegionOffset = 0,
        })];
        var (dimm, range) = Assert.Single(InterleaveLines.ToDimms(set, new ByteRange(offset, 1)));
        Assert.Equal((set[position].DimmId, (1 << 20) + dpa), (dimm, range.Start));
    }

    [Fact]
    public void Segments_OverlappingPoisonAndKnown_AreCutWhereEitherChanges()
    {
        var seen = new DimmObservation
        {
            HostId = Guid.Empty,
            DimmId = Guid.Empty,
            Epoch = 1,
            Version = 1,
            Poison = [new DpaRange(100, 100), new DpaRange(150, 100)],
            BadRanges = [new DpaRange(0, 50), new DpaRange(180, 120)],
            DirtyShutdownCount = 0,
            ScrubCount = 0,
        };
        Assert.Equal(
            [(0, 50, false, true), (100, 80, true, false), (180, 70, true, true), (250, 50, false, true)],
            ErrorSegments.Of(seen, null).Select(row => ((int)row.Dpa, (int)row.Length, row.Poisoned, row.Known)));
    }

    [Fact]
    public async Task Injected_WithoutANamespace_SaysWhichParameterIsMissing()
    {
        var problem = await _api.RefusedAsync(HttpMethod.Get, "/v1/hosts/any/media-errors/injected", null, HttpStatusCode.BadRequest);

        Assert.Equal(("request-invalid", "#/query/namespace"), (problem.Code, Assert.Single(problem.Errors!).Pointer));
    }

    [Fact]
    public async Task Inject_LatentThenScrubbed_BecomesKnownAndChangesTheEtag()
    {
        await InterleavedAsync("latent");
        var etag = (await _api.GetAsync(new Uri("/v1/hosts/latent/namespaces/namespace0.0", UriKind.Relative))).Headers.ETag;
        var latent = await _api.PostAsync<ListPage<MediaErrorDto>>("/v1/hosts/latent/media-errors", """{"namespace":"namespace0.0","block":9,"count":1,"notify":false}""");
        var error = Assert.Single(latent.Items);

        // block 9 is in the second line of 4 KiB, which is the second DIMM's first
        Assert.Equal(("nmem1", 512L, 256L, false, true), (error.Dimm, error.Dpa, error.Length, error.Known, error.Poisoned));
        Assert.Equal(9L * 512, error.RegionOffset);
        Assert.Equal(0, (await _api.GetAsync<NamespaceDto>("/v1/hosts/latent/namespaces/namespace0.0")).BadblockCount);
        Assert.Equal(1, (await _api.PostAsync<ScrubDto>("/v1/hosts/latent/scrubs", "{}")).Count);
        var known = await _api.GetAsync(new Uri("/v1/hosts/latent/namespaces/namespace0.0", UriKind.Relative));
        Assert.NotEqual(etag, known.Headers.ETag);
        Assert.Equal((9L, 1L), Assert.Single((await known.ReadAsync<NamespaceDto>()).Badblocks) is var bad ? (bad.Offset, bad.Length) : default);
        Assert.Equal(256, (await _api.GetAsync<DimmDto>("/v1/hosts/latent/dimms/nmem1")).KnownPoisonBytes);
        Assert.Equal("nmem1", Assert.Single((await _api.GetAsync<ListPage<DimmDto>>("/v1/dimms?poisoned=true")).Items, dimm => dimm.Host == "latent").Name);
        Assert.Contains("\"badblock_count\":1", await _api.GetStringAsync(new Uri("/v1/hosts/latent/ndctl/list?regions=true&mediaErrors=true", UriKind.Relative)), StringComparison.Ordinal);
        Assert.Single((await _api.GetAsync<ListPage<MediaErrorDto>>("/v1/media-errors?known=true&labelSelector=set%3Dlatent")).Items);
    }

    [Theory]
    [InlineData("""{"namespace":"namespace0.0","block":1}""", HttpStatusCode.UnprocessableEntity, "block-and-count")]
    [InlineData("""{"namespace":"namespace0.0","block":262140,"count":99999999}""", HttpStatusCode.UnprocessableEntity, "blocks-out-of-bounds")]
    [InlineData("""{"namespace":"namespace0.0","block":262144,"count":1}""", HttpStatusCode.UnprocessableEntity, "blocks-out-of-bounds")]
    [InlineData("""{"namespace":"namespace0.0","dimm":"nmem0","block":1,"count":1}""", HttpStatusCode.UnprocessableEntity, "target-ambiguous")]
    [InlineData("""{"region":"region0","offset":"8G","length":1}""", HttpStatusCode.UnprocessableEntity, "range-out-of-bounds")]
    [InlineData("""{"dimm":"nmem7","offset":0,"length":1}""", HttpStatusCode.NotFound, "not-found")]
    public async Task Inject_Impossible_IsRefused(string json, HttpStatusCode status, string code)
    {
        var host = $"bad-{Guid.NewGuid():N}";
        await InterleavedAsync(host);
        Assert.Equal(code, (await _api.RefusedAsync(HttpMethod.Post, $"/v1/hosts/{host}/media-errors", json, status)).Code);
    }

    private async Task InterleavedAsync(string name)
    {
        await _api.CreateReadyHostAsync($$$"""{"name":"{{{name}}}","labels":{"set":"{{{(name.Length > 10 ? "x" : name)}}}"},"dimms":[{"capacity":"64M"},{"capacity":"64M"}],"regions":[{"dimms":["nmem0","nmem1"]}]}""");
        Assert.Equal(2, (await _api.GetAsync<RegionDto>($"/v1/hosts/{name}/regions/region0")).Mappings.Count);
    }
}
