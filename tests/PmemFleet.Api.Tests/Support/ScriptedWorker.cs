using System.Net.Http.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Persistence;
using PmemFleet.Contracts;
using PmemFleet.Contracts.MediaErrors;
using PmemFleet.Contracts.Sync;
using PmemFleet.Contracts.Workers;

namespace PmemFleet.Api.Tests.Support;

/// <summary>A worker that speaks the protocol over HTTP and does what the test says.</summary>
public sealed class ScriptedWorker
{
    private readonly HttpClient _http;
    private readonly string _name;
    private readonly Dictionary<Guid, HeldHost> _held = [];
    private readonly Dictionary<Guid, Guid> _hostOfOpenTask = [];

    private ScriptedWorker(HttpClient http, string name, Guid instanceId, JoinResponse joined) =>
        (_http, _name, InstanceId, Credential, WorkerId, DataPlaneCredential) =
        (http, name, instanceId, joined.Credential, joined.WorkerId, joined.DataPlaneCredential);

    public Guid InstanceId { get; }

    public Guid WorkerId { get; }

    public string Credential { get; }

    public string DataPlaneCredential { get; }

    public IReadOnlyDictionary<Guid, HeldHost> Held => _held;

    /// <summary>The digest it sends: null as workers of old, which know none; empty to begin with digests. Then it names only the hosts of tasks that it has not finished.</summary>
    public string? Digest { get; set; }

    /// <summary>Tasks received, in the order of arrival.</summary>
    public List<(HostAssignment Host, WorkerTask Task)> Received { get; } = [];

    public static async Task<ScriptedWorker> JoinAsync(
        ApiFixture api, string name, Guid? instanceId = null, string pool = "default", WebApplication? replica = null, string advertisedUrl = "http://127.0.0.1:1")
    {
        var instance = instanceId ?? Guid.CreateVersion7();
        var response = await api.Client(ApiFixture.JoinToken, replica).PostAsJsonAsync(
            "/v1/workers/join", new { name, mediaPool = pool, advertisedUrl, instanceId = instance, version = "test" });
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        var joined = await response.ReadAsync<JoinResponse>();
        return new ScriptedWorker(api.Client(joined.Credential, replica), name, instance, joined);
    }

    public Task<HttpResponseMessage> PostAsync(SyncRequest request) =>
        _http.PostAsJsonAsync($"/v1/workers/{_name}/sync", request, FleetJsonContext.Default.SyncRequest);

    /// <summary>One sync that must succeed; notes what came.</summary>
    public async Task<SyncResponse> SyncAsync(
        int wait = 0, IReadOnlyList<TaskResult>? results = null, IReadOnlyList<TaskProgress>? progress = null, IReadOnlyList<DimmObservation>? observations = null)
    {
        var response = await PostAsync(Request(wait, results, progress, observations));
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        var answer = await response.ReadAsync<SyncResponse>();
        Digest = Digest is null ? null : answer.HostsDigest;
        foreach (var gone in answer.Partial ? [] : _held.Keys.Except(answer.Hosts.Select(host => host.HostId)).ToList())
        {
            _held.Remove(gone);
        }

        foreach (var done in answer.AcknowledgedResults)
        {
            _hostOfOpenTask.Remove(done);
        }

        foreach (var host in answer.Hosts)
        {
            var former = _held.GetValueOrDefault(host.HostId);
            _held[host.HostId] = new HeldHost
            {
                HostId = host.HostId,
                Epoch = host.Epoch,
                ObservedGeneration = host.Generation,
                AcceptedSequence = Math.Max(former?.Epoch == host.Epoch ? former.AcceptedSequence : 0, host.Tasks.Count == 0 ? 0 : host.Tasks.Max(task => task.Sequence)),
            };
            Received.AddRange(host.Tasks.Select(task => (host, task)));
            foreach (var task in host.Tasks)
            {
                _hostOfOpenTask[task.TaskId] = host.HostId;
            }
        }

        return answer;
    }

    public SyncRequest Request(
        int wait = 0, IReadOnlyList<TaskResult>? results = null, IReadOnlyList<TaskProgress>? progress = null, IReadOnlyList<DimmObservation>? observations = null) => new()
        {
            InstanceId = InstanceId,
            HostsDigest = Digest,
            Hosts = [.. _held.Values.Where(host => Digest is null or "" || _hostOfOpenTask.ContainsValue(host.HostId))],
            Results = results ?? [],
            Progress = progress,
            Observations = observations ?? [],
            WaitSeconds = wait,
        };

    /// <summary>Syncs until a task of the kind arrived; boots are carried out on the way.</summary>
    public async Task<(HostAssignment Host, WorkerTask Task)> ReceiveAsync(string kind)
    {
        IReadOnlyList<TaskResult> results = [];
        for (var i = 0; i < 200; i++)
        {
            var before = Received.Count;
            await SyncAsync(1, results);
            var fresh = Received.Skip(before).ToList();
            results = [.. fresh.Where(one => one.Task.Kind == "boot").Select(one => Done(one))];
            if (fresh.Find(one => one.Task.Kind == kind) is { Task: not null } found)
            {
                if (kind != "boot" && results.Count > 0)
                {
                    await SyncAsync(0, results);
                }

                return found;
            }
        }

        throw new InvalidOperationException($"no task of kind {kind} came");
    }

    public static TaskResult Done((HostAssignment Host, WorkerTask Task) one) => new()
    {
        TaskId = one.Task.TaskId,
        HostId = one.Host.HostId,
        Epoch = one.Host.Epoch,
        Steps = [.. one.Task.Steps.Select(Done)],
    };

    /// <summary>What an honest worker gives for a step.</summary>
    public static StepResult Done(TaskStep step) => step switch
    {
        BindStep bind => new StepBound { Namespace = bind.Namespace, Kind = "raw" },
        ScrubStep => new StepScrubbed { Scrub = new ScrubDto { Count = 1, State = "idle" } },
        CheckBttStep => new StepChecked { Consistent = true, Messages = [] },
        _ => new StepDone(),
    };
}

/// <summary>Hosts and operations as the features write them.</summary>
public static class Seeds
{
    public static Task<HostRow> AddHostAsync(this ApiFixture api, string name, string pool = "default") => api.WriteAsync(db =>
    {
        var now = TimeProvider.System.GetUtcNow();
        var host = new HostRow
        {
            Id = Guid.CreateVersion7(now),
            Name = name,
            Provider = "ACPI.NFIT",
            SupportsPud = true,
            PageTableLevels = 4,
            Profile = "linux-6.1",
            DeviceDax = true,
            MediaPool = pool,
            CreatedAt = now,
        };
        db.Hosts.Add(host);
        db.WakeAfterCommit(WakeUps.Placement);
        return Task.FromResult(host);
    });

    public static Task<OperationRow> EnqueueAsync(this ApiFixture api, string host, string kind = "scrub", string actor = "test", WebApplication? replica = null) => api.WriteAsync(
        async db => api.App.Services.GetRequiredService<OperationQueue>().Enqueue(
            db.Changes, (await db.LockHostAsync(host, CancellationToken.None))!, new OperationRequest(kind, [new ScrubStep()], actor)),
        replica);
}
