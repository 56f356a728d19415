using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using PmemFleet.Api.Access;
using PmemFleet.Api.Hosting;
using PmemFleet.Chaos.Tests.Support;
using PmemFleet.Contracts.DataPlane;

namespace PmemFleet.Chaos.Tests.Leases;

[Collection(ChaosSuite.Name)]
public sealed class PausedWorkerTests(ChaosServer server)
{
    private const string Host = "paused";
    private const string Space = "namespace0.0";
    private const int Writers = 4;
    private const int BlockSize = 4096;

    /// <summary>
    /// A worker is stopped in the middle of writes, and goes on when another one holds its host: what it had begun does not land, what it is asked
    /// directly is refused, and it comes back as a worker without that host.
    /// </summary>
    [Fact]
    public async Task Worker_StoppedPastItsLeaseAndContinued_LandsNoWrite()
    {
        await using var fleet = await ChaosFleet.StartAsync(server, new FleetShape { Replicas = 1, LeaseSeconds = 2, FailoverSeconds = 1 });
        var random = ChaosRun.Choices("leases");
        await fleet.CreateHostAsync(Host, dimms: 1);
        await ChaosFleet.MustAsync(fleet.Client.PostAsync($"/v1/hosts/{Host}/namespaces", new JsonObject { ["mode"] = "raw", ["size"] = "32M" }, "space"));
        using var stop = new CancellationTokenSource();
        var writers = Enumerable.Range(0, Writers).Select(number => new CountingWriter(fleet, number)).ToList();
        var writing = writers.Select(writer => writer.RunAsync(stop.Token)).ToList();
        var clock = Stopwatch.StartNew();
        var duration = ChaosRun.Duration(TimeSpan.FromSeconds(12));
        var rounds = 0;
        var direct = 0;
        try
        {
            while (rounds == 0 || clock.Elapsed < duration)
            {
                direct += await PauseOnceAsync(fleet, writers, random);
                rounds++;
            }

            await stop.CancelAsync();
            await Task.WhenAll(writing);
            foreach (var writer in writers)
            {
                await writer.VerifyAsync();
            }

            await Kills.FleetVerdict.DemandAgreementAsync(fleet, Host);
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            throw new InvalidOperationException($"{failure.Message}\n{fleet.Errors()}", failure);
        }

        server.Report($"leases: {rounds} pauses, {writers.Sum(writer => writer.Version)} writes acknowledged, {direct} direct requests refused, {clock.Elapsed.TotalSeconds:F0} s");
    }

    /// <summary>One pause; how many requests the old worker refused.</summary>
    private static async Task<int> PauseOnceAsync(ChaosFleet fleet, List<CountingWriter> writers, Random random)
    {
        await ProgressAsync(writers, 2);
        var epoch = await fleet.ScalarAsync<long>($"SELECT epoch FROM hosts WHERE name = '{Host}'");
        var hostId = await fleet.ScalarAsync<Guid>($"SELECT id FROM hosts WHERE name = '{Host}'");
        var workerId = await fleet.ScalarAsync<Guid>($"SELECT worker_id FROM hosts WHERE name = '{Host}'");
        var instance = await fleet.ScalarAsync<Guid>($"SELECT worker_instance_id FROM hosts WHERE name = '{Host}'");
        var name = await fleet.ScalarAsync<string>($"SELECT name FROM workers WHERE id = '{workerId}'");
        var number = name[^1] - '0';
        await Task.Delay(random.Next(0, 40));
        fleet.Workers[number].Pause();
        for (var wait = 0; await fleet.ScalarAsync<long>($"SELECT epoch FROM hosts WHERE name = '{Host}'") == epoch; wait++)
        {
            Assert.True(wait < 400, "the host does not move");
            await Task.Delay(100);
        }

        // the other one writes over what the stopped one was about to write
        await ProgressAsync(writers, 2);
        fleet.Workers[number].Continue();
        var refused = await AskDirectlyAsync(fleet, fleet.WorkerUrls[number], hostId, workerId, instance, epoch);
        await ProgressAsync(writers, 3);
        for (var wait = 0; await fleet.ScalarAsync<long>($"SELECT count(*) FROM worker_leases WHERE worker_id = '{workerId}' AND expires_at > now() AND instance_id <> '{instance}'") == 0; wait++)
        {
            Assert.True(wait < 400, $"{name} does not join anew");
            await Task.Delay(100);
        }

        return refused;
    }

    /// <summary>Writes straight to the worker that lost the host, with the credential and epoch of the past, of the future, and of the present.</summary>
    private static async Task<int> AskDirectlyAsync(ChaosFleet fleet, Uri worker, Guid hostId, Guid workerId, Guid instance, long epoch)
    {
        var credential = new WorkerCredentials(Options.Create(new WorkersOptions { JoinToken = ChaosFleet.JoinToken })).DataPlane(workerId, instance);
        using var http = fleet.NewClient(credential, worker);
        var refused = 0;
        for (var attempt = 0; attempt < 30; attempt++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Put, $"/v1/hosts/{hostId}/namespaces/{Space}/data?offset={Writers * BlockSize * 2}");
            request.Headers.Add(DataPlaneRoutes.EpochHeader, (epoch + (attempt % 3)).ToString(CultureInfo.InvariantCulture));
            request.Content = new ByteArrayContent(new byte[BlockSize]) { Headers = { ContentType = new MediaTypeHeaderValue("application/octet-stream") } };
            using var response = await http.SendAsync(request);
            Assert.False(response.IsSuccessStatusCode, $"the old worker took a write under epoch {epoch + (attempt % 3)}");
            Assert.NotEqual(HttpStatusCode.InternalServerError, response.StatusCode);
            refused++;
        }

        return refused;
    }

    private static async Task ProgressAsync(List<CountingWriter> writers, int versions)
    {
        var goals = writers.ConvertAll(writer => writer.Version + versions);
        for (var wait = 0; writers.Zip(goals).Any(pair => pair.First.Version < pair.Second); wait++)
        {
            Assert.True(wait < 900, "the writers do not get on");
            await Task.Delay(100);
        }
    }

    /// <summary>Writes ever higher numbers into a block of its own: an older one that lands late is seen.</summary>
    private sealed class CountingWriter(ChaosFleet fleet, int number)
    {
        private string Path => $"/v1/hosts/{Host}/namespaces/{Space}/data?offset={number * BlockSize}";

        /// <summary>The newest acknowledged one.</summary>
        public int Version { get; private set; }

        public async Task RunAsync(CancellationToken stop)
        {
            while (!stop.IsCancellationRequested)
            {
                var answer = await fleet.Client.PutAsync(Path, Block(Version + 1), "*");
                Assert.True(answer.IsSuccess, answer.ToString());
                Version++;
                if (Version % 8 == 0)
                {
                    await VerifyAsync();
                }
            }
        }

        public async Task VerifyAsync()
        {
            var answer = await ChaosFleet.MustAsync(fleet.Client.GetAsync($"{Path}&length={BlockSize}"));
            Assert.True(answer.Bytes.AsSpan().SequenceEqual(Block(Version)), $"writer {number}: {Version} was acknowledged, and {BitConverter.ToInt32(answer.Bytes)} is there");
        }

        private static byte[] Block(int version)
        {
            var block = new byte[BlockSize];
            for (var at = 0; at < BlockSize; at += 4)
            {
                BitConverter.TryWriteBytes(block.AsSpan(at), version);
            }

            return block;
        }
    }
}
