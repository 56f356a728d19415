using System.IO.Compression;
using System.Net;
using System.Text;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Contracts.Campaigns;
using PmemFleet.Contracts.Operations;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Tests.Sync;

/// <summary>Parts of a campaign that cannot be those of their host: its operation says so, and no other worker's report is to blame for them.</summary>
public sealed class LyingCampaignTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    [Theory]
    [InlineData("no-gzip", "result-damaged")]
    [InlineData("endless-line", "result-damaged")]
    [InlineData("unfinished-line", "result-damaged")]
    [InlineData("of-another-host", "result-damaged")]
    [InlineData("out-of-order", "result-damaged")]
    [InlineData("step-done", "result-damaged")]
    [InlineData("negative", "result-damaged")]
    [InlineData("namespace-of-another-host", "result-damaged")]
    [InlineData("cancelled", "result-damaged")]
    [InlineData("longer-than-any", "campaign-log-too-long")]
    public async Task Part_ThatCannotBe_FailsItsCampaign(string lie, string code)
    {
        var (operation, liar, task, host) = await BegunAsync();
        var line = Line(host, 1);
        var log = lie switch
        {
            "no-gzip" => [1, 2, 3],
            "endless-line" => Zip(new string('x', 1 << 20), 1),
            "unfinished-line" => Zip(line + line.TrimEnd('\n'), 1),
            "of-another-host" => Zip(line + Line("somebody-else", 2), 1),
            "out-of-order" => Zip(Line(host, 2) + line, 1),
            // lines as long as they may be, all of them good: 257 MiB of them in half a megabyte
            "longer-than-any" => Zip(line.TrimEnd('\n') + new string('x', (32 << 10) - line.Length) + "\n", 257 * 32),
            _ => Zip(line, 1),
        };
        var summary = lie switch
        {
            "negative" => new CampaignSummaryDto { Errors = -1 },
            "namespace-of-another-host" => new CampaignSummaryDto { ByNamespace = new Dictionary<string, long> { ["somebody-else/namespace0.0"] = 7 } },
            _ => new CampaignSummaryDto(),
        };
        StepResult step = lie == "step-done" ? new StepDone() : new StepCampaign { Part = new CampaignPartDto { Summary = summary, Log = log } };
        await liar.SyncAsync(results: [ScriptedWorker.Done(task) with { Cancelled = lie == "cancelled", Steps = lie == "cancelled" ? [] : [step] }]);
        var ended = await api.Admin.GetAsync<OperationDto>($"/v1/operations/{operation}");
        Assert.Equal(("failed", code), (ended.State, ended.Refusal?.Code));
    }

    [Fact]
    public async Task Part_AsAnHonestWorkerGivesIt_IsTaken()
    {
        var (operation, worker, task, host) = await BegunAsync();
        var summary = new CampaignSummaryDto { Dimms = 1, Errors = 2, ByNamespace = new Dictionary<string, long> { [$"{host}/namespace0.0"] = 2 } };
        var part = new CampaignPartDto { Summary = summary, Log = Zip(Line(host, 1) + Line(host, 2), 1) };
        await worker.SyncAsync(results: [ScriptedWorker.Done(task) with { Steps = [new StepCampaign { Part = part }] }]);
        Assert.Equal("succeeded", (await api.Admin.GetAsync<OperationDto>($"/v1/operations/{operation}")).State);
    }

    private async Task<(Guid Operation, ScriptedWorker Worker, (HostAssignment Host, WorkerTask Task) Task, string Host)> BegunAsync()
    {
        var (worker, own) = await api.ReadyAsync("liar");
        var answer = await api.BeginAsync(HttpMethod.Post, "/v1/campaigns", $$"""{"durationSeconds":3600,"labelSelector":"pool={{own.MediaPool}}","sources":[{"perDimmHour":1}]}""");
        var operation = await answer.ExpectAsync<OperationDto>(HttpStatusCode.Accepted);
        return (operation.Id, worker, await worker.ReceiveAsync("campaign"), own.Name);
    }

    private static string Line(string host, int second) => $"{second:D12}.000000 {host}/nmem0 0000000 injected dpa=0x1000 length=256 namespace=namespace0.0\n";

    private static byte[] Zip(string text, int times)
    {
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest, leaveOpen: true))
        {
            for (var bytes = Encoding.UTF8.GetBytes(text); times > 0; times--)
            {
                gzip.Write(bytes);
            }
        }

        return compressed.ToArray();
    }
}
