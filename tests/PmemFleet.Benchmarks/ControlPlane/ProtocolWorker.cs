using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Sync;
using PmemFleet.Contracts.Workers;

namespace PmemFleet.Benchmarks.ControlPlane;

/// <summary>Speaks the worker protocol and does nothing: every task is done the moment it comes, so that the control plane alone is measured.</summary>
internal sealed class ProtocolWorker
{
    private readonly HttpClient _http;
    private readonly string _name;
    private readonly Guid _instance;
    private readonly AuthenticationHeaderValue _credential;
    private readonly Dictionary<Guid, HeldHost> _held = [];
    private string _digest = string.Empty;

    private ProtocolWorker(HttpClient http, string name, Guid instance, string credential) =>
        (_http, _name, _instance, _credential) = (http, name, instance, new AuthenticationHeaderValue("Bearer", credential));

    /// <summary>Tasks done.</summary>
    public long Done { get; private set; }

    public static async Task<ProtocolWorker> JoinAsync(HttpClient http, string name, string pool, CancellationToken token)
    {
        var instance = Guid.CreateVersion7();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/workers/join")
        {
            Content = JsonContent.Create(new JoinRequest { Name = name, MediaPool = pool, AdvertisedUrl = "http://127.0.0.1:1", InstanceId = instance, Version = "bench" }, FleetJsonContext.Default.JoinRequest),
            Headers = { Authorization = new AuthenticationHeaderValue("Bearer", ControlPlaneUnderTest.JoinToken) },
        };
        using var answer = await http.SendAsync(request, token);
        answer.EnsureSuccessStatusCode();
        var joined = (await answer.Content.ReadFromJsonAsync(FleetJsonContext.Default.JoinResponse, token))!;
        return new ProtocolWorker(http, name, instance, joined.Credential);
    }

    /// <summary>Syncs until it is stopped; a long poll lasts ten seconds.</summary>
    public async Task RunAsync(CancellationToken token)
    {
        IReadOnlyList<TaskResult> results = [];
        try
        {
            while (!token.IsCancellationRequested)
            {
                results = await SyncAsync(results, token);
            }
        }
        catch (OperationCanceledException)
        {
            // stopped
        }
    }

    private async Task<IReadOnlyList<TaskResult>> SyncAsync(IReadOnlyList<TaskResult> results, CancellationToken token)
    {
        var busy = results.Select(result => result.HostId).ToHashSet();
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/v1/workers/{_name}/sync")
        {
            Content = ContentOf(
                new SyncRequest
                {
                    InstanceId = _instance,
                    HostsDigest = _digest,
                    Hosts = [.. _digest.Length == 0 ? _held.Values : busy.Select(host => _held[host])],
                    Results = results,
                    Observations = [],
                    WaitSeconds = results.Count > 0 ? 0 : 10,
                }),
            Headers = { Authorization = _credential },
        };
        using var answer = await _http.SendAsync(request, token);
        answer.EnsureSuccessStatusCode();
        var down = (await answer.Content.ReadFromJsonAsync(FleetJsonContext.Default.SyncResponse, token))!;
        var done = new List<TaskResult>();
        _digest = down.HostsDigest!;
        foreach (var host in down.Hosts)
        {
            var former = _held.GetValueOrDefault(host.HostId);
            _held[host.HostId] = new HeldHost
            {
                HostId = host.HostId,
                Epoch = host.Epoch,
                ObservedGeneration = host.Generation,
                AcceptedSequence = Math.Max(former?.Epoch == host.Epoch ? former.AcceptedSequence : 0, host.Tasks.Count == 0 ? 0 : host.Tasks.Max(task => task.Sequence)),
            };
            done.AddRange(host.Tasks.Select(task => new TaskResult { TaskId = task.TaskId, HostId = host.HostId, Epoch = host.Epoch, Steps = [.. task.Steps.Select(Answer)] }));
        }

        Done += done.Count;
        return done;
    }

    /// <summary>As a worker sends it.</summary>
    private static ByteArrayContent ContentOf(SyncRequest body) => new(JsonSerializer.SerializeToUtf8Bytes(body, FleetJsonContext.Default.SyncRequest))
    {
        Headers = { ContentType = new MediaTypeHeaderValue("application/json", "utf-8") },
    };

    private static StepResult Answer(TaskStep step) => step is BindStep bind ? new StepBound { Namespace = bind.Namespace, Kind = "raw" } : new StepDone();
}
