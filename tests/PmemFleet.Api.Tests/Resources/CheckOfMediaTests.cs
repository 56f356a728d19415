using System.Net;
using Npgsql;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Dimms;
using PmemFleet.Contracts.Hosts;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Regions;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Btt;
using PmemFleet.Nvdimm.InfoBlocks;

namespace PmemFleet.Api.Tests.Resources;

/// <summary>One damage at a time, to rows, labels and info blocks of the product's own worker: the check names it, and nothing else.</summary>
public sealed class CheckOfMediaTests(RealWorkerFixture fixture) : IClassFixture<RealWorkerFixture>, IAsyncLifetime
{
    private static int _number;

    private readonly HttpClient _api = fixture.Admin;
    private readonly string _name = $"damage{Interlocked.Increment(ref _number)}";
    private HostDto _host = null!;
    private DimmDto _dimm = null!;
    private NamespaceDto _btt = null!;
    private NamespaceDto _dax = null!;

    public async Task InitializeAsync()
    {
        _host = await _api.CreateReadyHostAsync($$"""{"name":"{{_name}}","dimms":[{"capacity":"256M"}],"regions":[{"dimms":["nmem0"]}]}""");
        await _api.PostAsync<RegionDto>($"/v1/hosts/{_name}/regions/region0/disable", "{}");
        await _api.PostAsync<LabelsDto>($"/v1/hosts/{_name}/dimms/nmem0/labels/init", """{"version":"1.2"}""");
        await _api.PostAsync<RegionDto>($"/v1/hosts/{_name}/regions/region0/enable", "{}");
        _btt = await _api.PostAsync<NamespaceDto>($"/v1/hosts/{_name}/namespaces", """{"mode":"sector","sectorSize":4096,"size":"64M"}""", HttpStatusCode.Created);
        _dax = await _api.PostAsync<NamespaceDto>($"/v1/hosts/{_name}/namespaces", """{"mode":"devdax","map":"dev","size":"64M","altName":"right"}""", HttpStatusCode.Created);
        _dimm = await _api.GetAsync<DimmDto>($"/v1/hosts/{_name}/dimms/nmem0");
        Assert.Empty(await CheckAsync());
    }

    public Task DisposeAsync() => Task.CompletedTask;

    [Theory]
    [InlineData("UPDATE namespaces SET alt_name = 'wrong' WHERE id = $1", "altName")]
    [InlineData("UPDATE namespaces SET claim_class = 'none' WHERE id = $1", "claimClass")]
    [InlineData("UPDATE personalities SET uuid = gen_random_uuid() WHERE host_id = $2 AND kind = 'dax' AND namespace_number IS NOT NULL", "personality.uuid")]
    [InlineData("UPDATE personalities SET align = 4096 WHERE host_id = $2 AND kind = 'dax' AND namespace_number IS NOT NULL", "personality.align")]
    [InlineData("UPDATE personalities SET map = 'mem' WHERE host_id = $2 AND kind = 'dax' AND namespace_number IS NOT NULL", "personality.map")]
    [InlineData("UPDATE personalities SET bound_data_offset = bound_data_offset + 4096 WHERE host_id = $2 AND bound_data_offset IS NOT NULL", "dataOffset")]
    [InlineData("UPDATE personalities SET bound_page_count = bound_page_count - 1 WHERE host_id = $2 AND bound_page_count IS NOT NULL", "pageCount")]
    [InlineData("UPDATE personalities SET bound_start_pad = 4096 WHERE host_id = $2 AND bound_page_count IS NOT NULL", "startPad")]
    [InlineData("UPDATE personalities SET bound_end_trunc = 4096 WHERE host_id = $2 AND bound_page_count IS NOT NULL", "endTrunc")]
    [InlineData("UPDATE personalities SET bound_size = bound_size - 4096 WHERE host_id = $2 AND bound_version IS NOT NULL", "size")]
    [InlineData("UPDATE personalities SET sector_size = 512 WHERE host_id = $2 AND bound_version IS NOT NULL", "personality.sectorSize")]
    [InlineData("UPDATE dimms SET available_slots = available_slots + 1 WHERE host_id = $2 AND id <> $1", "availableSlots")]
    [InlineData("UPDATE dimms SET label_version = '1.1' WHERE host_id = $2 AND id <> $1", "labelVersion")]
    [InlineData("UPDATE dpa_extents SET length = length - 4096 WHERE host_id = $2 AND namespace_id = $1", "extents")]
    public async Task Check_RowChanged_IsNamed(string change, string field)
    {
        await using var connection = await fixture.ConnectAsync();
        await using var command = new NpgsqlCommand(change, connection) { Parameters = { new() { Value = _dax.Id }, new() { Value = _host.Id } } };
        Assert.True(await command.ExecuteNonQueryAsync() > 0, "nothing was changed");

        Assert.Contains(field, await CheckAsync());
    }

    [Theory]
    [InlineData("uuid")]
    [InlineData("parentUuid")]
    [InlineData("map")]
    [InlineData("align")]
    [InlineData("dataOffset")]
    [InlineData("startPad")]
    [InlineData("endTrunc")]
    [InlineData("infoBlock")]
    public async Task Check_PagesBlockChanged_IsNamed(string field)
    {
        var at = _dax.Extents[0].Dpa + PagesInfoBlock.NamespaceOffset;
        var bytes = Read(at, PagesInfoBlock.SizeBytes);
        Assert.True(PagesInfoBlock.TryRead(bytes, PersonalityKind.Dax, out var block));
        Write(at, field switch
        {
            "uuid" => (block with { Uuid = Guid.NewGuid() }).ToBytes(),
            "parentUuid" => (block with { ParentUuid = Guid.NewGuid() }).ToBytes(),
            "map" => (block with { Mode = 1 }).ToBytes(),
            "align" => (block with { Align = 4096 }).ToBytes(),
            "dataOffset" => (block with { DataOffset = block.DataOffset + 4096 }).ToBytes(),
            "startPad" => (block with { StartPad = 4096 }).ToBytes(),
            "endTrunc" => (block with { EndTrunc = 4096 }).ToBytes(),
            _ => [.. bytes[..^1], (byte)(bytes[^1] ^ 1)],
        });

        Assert.Contains(field, await CheckAsync());
    }

    [Theory]
    [InlineData("uuid")]
    [InlineData("parentUuid")]
    [InlineData("flags")]
    [InlineData("version")]
    [InlineData("nextOffset")]
    [InlineData("externalLbaSize")]
    [InlineData("externalLbaCount")]
    [InlineData("internalLbaSize")]
    [InlineData("internalLbaCount")]
    [InlineData("freeCount")]
    [InlineData("dataOffset")]
    [InlineData("mapOffset")]
    [InlineData("logOffset")]
    [InlineData("info2Offset")]
    [InlineData("")]
    public async Task Check_BttBlockOrItsCopyChanged_IsNamed(string field)
    {
        var start = _btt.Extents[0].Dpa;
        var bytes = Read(start, BttInfoBlock.SizeBytes);
        Assert.True(BttInfoBlock.TryRead(bytes, _btt.RawUuid!.Value, out var block));
        var geometry = block.Geometry;
        var changed = field switch
        {
            "uuid" => block with { Uuid = Guid.NewGuid() },
            "parentUuid" => block with { ParentUuid = Guid.NewGuid() },
            "flags" => block with { Flags = BttInfoBlock.ErrorFlag },
            "version" => block with { Version = new Version(1, 1) },
            "nextOffset" => block with { NextOffset = 1 << 20 },
            "externalLbaSize" => block with { Geometry = geometry with { ExternalLbaSize = 4160 } },
            "externalLbaCount" => block with { Geometry = geometry with { ExternalLbaCount = geometry.ExternalLbaCount - 1 } },
            "internalLbaSize" => block with { Geometry = geometry with { InternalLbaSize = 4160 } },
            "internalLbaCount" => block with { Geometry = geometry with { InternalLbaCount = geometry.InternalLbaCount - 1 } },
            "freeCount" => block with { Geometry = geometry with { FreeCount = 128 } },
            "dataOffset" => block with { Geometry = geometry with { DataOffset = 8192 } },
            "mapOffset" => block with { Geometry = geometry with { MapOffset = geometry.MapOffset + 4096 } },
            "logOffset" => block with { Geometry = geometry with { LogOffset = geometry.LogOffset + 4096 } },
            "info2Offset" => block with { Geometry = geometry with { Info2Offset = geometry.Info2Offset + 4096 } },
            _ => block,
        };
        byte[] damaged = field.Length > 0 ? changed.ToBytes() : [.. bytes[..^1], (byte)(bytes[^1] ^ 1)];
        var suffix = field.Length > 0 ? $".{field}" : "";
        foreach (var (at, place) in ((long, string)[])[(start, "arena0"), (start + geometry.Info2Offset, "arena0.copy")])
        {
            Write(at, damaged);
            Assert.Contains(place + suffix, await CheckAsync());
            Write(at, bytes);
            Assert.Empty(await CheckAsync());
        }
    }

    [Fact]
    public async Task Check_ANameInItsLabelChanged_ItsNamespaceIsMissing()
    {
        await using var connection = await fixture.ConnectAsync();
        await using var find = new NpgsqlCommand("SELECT index, content FROM label_chunks WHERE host_id = $1 AND dimm_id = $2 ORDER BY index", connection) { Parameters = { new() { Value = _host.Id }, new() { Value = _dimm.Id } } };
        var chunks = new List<(int Index, byte[] Content)>();
        await using (var reader = await find.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync())
            {
                chunks.Add((reader.GetInt32(0), reader.GetFieldValue<byte[]>(1)));
            }
        }

        var name = "right"u8.ToArray();
        var (index, content) = chunks.Find(chunk => chunk.Content.AsSpan().IndexOf(name) >= 0);
        Assert.NotNull(content);

        // v1.2 labels have a checksum: a damaged one is none, its namespace is missing and its space is free
        var at = content.AsSpan().IndexOf(name);
        var damaged = content.ToArray();
        for (var next = at; next >= 0; next = damaged.AsSpan(next + 1).IndexOf(name) is var more and >= 0 ? next + 1 + more : -1)
        {
            damaged[next] ^= 0x20;
        }

        await using var damage = new NpgsqlCommand("UPDATE label_chunks SET content = $3 WHERE host_id = $1 AND dimm_id = $2 AND index = $4", connection)
        {
            Parameters = { new() { Value = _host.Id }, new() { Value = _dimm.Id }, new() { Value = damaged }, new() { Value = index } },
        };
        Assert.Equal(1, await damage.ExecuteNonQueryAsync());

        var fields = await CheckAsync();
        Assert.Contains("uuid", fields);
        Assert.Contains("extents", fields);
    }

    private async Task<IReadOnlyList<string>> CheckAsync()
    {
        var check = await _api.GetAsync<HostCheckDto>($"/v1/hosts/{_name}/check");
        Assert.Equal(3, check.InfoBlocks);
        Assert.All(check.Differences, difference => Assert.NotEqual(difference.OnMedia, difference.InRows));
        return [.. check.Differences.Select(difference => difference.Field)];
    }

    private byte[] Read(long dpa, int length)
    {
        using var file = File.OpenHandle(fixture.MediaOf(_host.Id, _dimm.Id), share: FileShare.ReadWrite);
        var bytes = new byte[length];
        Assert.Equal(length, RandomAccess.Read(file, bytes, dpa));
        return bytes;
    }

    private void Write(long dpa, byte[] bytes)
    {
        using var file = File.OpenHandle(fixture.MediaOf(_host.Id, _dimm.Id), access: FileAccess.ReadWrite, share: FileShare.ReadWrite);
        RandomAccess.Write(file, bytes, dpa);
    }
}
