using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Sync;
using PmemFleet.Contracts.Workers;

namespace PmemFleet.Worker.Tests.Support;

/// <summary>What the way between worker and Api does to one request.</summary>
public enum Mishap
{
    /// <summary>500, and nothing was done.</summary>
    Fails,

    /// <summary>It is done, and the reply is lost: the connection is cut.</summary>
    ReplyLost,

    /// <summary>It is done, and the reply ends in its middle.</summary>
    ReplyCut,

    /// <summary>It is done twice, and the second reply goes back.</summary>
    Doubled,

    /// <summary>It is done late.</summary>
    Late,

    /// <summary>Something else answers 200.</summary>
    Stranger,
}

/// <summary>
/// The worker protocol's other end over real HTTP: hosts, epochs, queues. It says what the real Api says, and the script says which of its
/// answers go wrong.
/// </summary>
public sealed class ScriptedFleetApi : IAsyncDisposable
{
    public const string JoinToken = "join-token-of-the-test";
    public const string DataPlaneCredential = "data-plane-credential-of-the-test";

    private static readonly FleetJsonContext Json = FleetJsonContext.Default;
    private readonly Lock _gate = new();
    private readonly WebApplication _app;
    private readonly Dictionary<Guid, ScriptedHost> _hosts = [];
    private readonly ConcurrentQueue<Mishap> _mishaps = new();
    private readonly Dictionary<Guid, (string Name, Guid Instance)> _workers = [];
    private TaskCompletionSource _changed = NewSignal();

    private ScriptedFleetApi(WebApplication app) => _app = app;

    public Uri Url => new(_app.Urls.First());

    public int LeaseSeconds { get; set; } = 30;

    /// <summary>The status a sync gets instead of an answer; null: an answer.</summary>
    public HttpStatusCode? SyncStatus { get; set; }

    /// <summary>False: an Api of an older version, which refuses the member.</summary>
    public bool KnowsDigests { get; set; } = true;

    /// <summary>Instance ids in the order of their joins.</summary>
    public ConcurrentQueue<JoinRequest> Joins { get; } = new();

    /// <summary>Every sync that arrived.</summary>
    public ConcurrentQueue<SyncRequest> Syncs { get; } = new();

    /// <summary>Every result that came, also those that had come before.</summary>
    public ConcurrentQueue<TaskResult> Reported { get; } = new();

    /// <summary>What each worker reported last.</summary>
    public ConcurrentDictionary<Guid, WorkerConditions> Conditions { get; } = [];

    /// <summary>Every condition of a host that was reported.</summary>
    public ConcurrentQueue<HostCondition> Reports { get; } = new();

    public static async Task<ScriptedFleetApi> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromMilliseconds(100));
        var app = builder.Build();
        var api = new ScriptedFleetApi(app);
        app.MapPost("/v1/workers/join", http => api.AnswerAsync(http, api.JoinAsync));
        app.MapPost("/v1/workers/{id:guid}/sync", http => api.AnswerAsync(http, api.SyncAsync));
        app.MapPost("/v1/workers/{id:guid}/conditions", api.ReportAsync);
        app.MapGet("/v1/workers/{id:guid}/hosts/{host:guid}/media", (Guid host) =>
            Results.Json(new HostMediaDto { Exist = api.Change(() => api._hosts[host].WasUp) }, Json.HostMediaDto));
        await app.StartAsync();
        return api;
    }

    /// <summary>What goes wrong next, one request each.</summary>
    public void Script(params Mishap[] mishaps)
    {
        foreach (var mishap in mishaps)
        {
            _mishaps.Enqueue(mishap);
        }
    }

    /// <summary>True once the script is at its end.</summary>
    public bool IsScriptDone => _mishaps.IsEmpty;

    /// <summary>A host for the worker of a name, booted.</summary>
    public ScriptedHost AddHost(HostLayout layout, string worker = "worker-1")
    {
        var host = new ScriptedHost(Guid.CreateVersion7(), layout, worker);
        Adopt(host);
        return host;
    }

    /// <summary>A host that was made before.</summary>
    public void Adopt(ScriptedHost host) => Change(() =>
    {
        _hosts.Add(host.Id, host);
        host.Enqueue([new BootStep { UnsafeShutdown = false }], "boot");
    });

    /// <summary>Puts a task into a host's queue; the result that counted, once it did.</summary>
    public Task<TaskResult> Enqueue(ScriptedHost host, IReadOnlyList<TaskStep> steps, string kind = "test") =>
        Change(() => host.Enqueue(steps, kind).Completion.Task).WaitAsync(Deadlines.Long);

    /// <summary>The host begins an epoch, there or with another worker, and boots as after a power cut.</summary>
    public Task<TaskResult> Move(ScriptedHost host, string worker) => Change(() => host.BeginEpoch(worker).Completion.Task).WaitAsync(Deadlines.Long);

    /// <summary>The host is nobody's.</summary>
    public void TakeAway(ScriptedHost host) => Change(() => host.Worker = string.Empty);

    public void Cancel(ScriptedHost host, Guid taskId) => Change(() => host.Cancelled.Add(taskId));

    /// <summary>The task comes down again, though its result counted.</summary>
    public void Redeliver(ScriptedHost host, Guid taskId) => Change(() => host.Redelivered.Add(taskId));

    public T Change<T>(Func<T> change)
    {
        lock (_gate)
        {
            var value = change();
            var signal = _changed;
            _changed = NewSignal();
            signal.TrySetResult();
            return value;
        }
    }

    public void Change(Action change) => Change(() =>
    {
        change();
        return true;
    });

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static async Task WriteAsync(HttpContext http, byte[] body, Mishap? mishap)
    {
        switch (mishap)
        {
            case Mishap.ReplyLost:
                http.Abort();
                return;
            case Mishap.ReplyCut:
                http.Response.ContentType = "application/json";
                http.Response.ContentLength = body.Length;
                await http.Response.Body.WriteAsync(body.AsMemory(0, body.Length / 2));
                await http.Response.Body.FlushAsync();
                http.Abort();
                return;
            default:
                http.Response.ContentType = "application/json";
                await http.Response.Body.WriteAsync(body);
                return;
        }
    }

    private async Task AnswerAsync(HttpContext http, Func<HttpContext, byte[], Task<(int Status, byte[] Body)>> handle)
    {
        using var received = new MemoryStream();
        await http.Request.Body.CopyToAsync(received, http.RequestAborted);
        Mishap? mishap = _mishaps.TryDequeue(out var next) ? next : null;
        switch (mishap)
        {
            case Mishap.Fails:
                http.Response.StatusCode = StatusCodes.Status500InternalServerError;
                return;
            case Mishap.Stranger:
                http.Response.ContentType = "text/html; charset=unheard-of";
                await http.Response.WriteAsync("<html>welcome</html>");
                return;
            case Mishap.Late:
                await Task.Delay(TimeSpan.FromMilliseconds(700), http.RequestAborted);
                break;
            case Mishap.Doubled:
                await handle(http, received.ToArray());
                break;
        }

        var (status, body) = await handle(http, received.ToArray());
        http.Response.StatusCode = status;
        await WriteAsync(http, body, mishap);
    }

    private Task<(int Status, byte[] Body)> JoinAsync(HttpContext http, byte[] body)
    {
        if (http.Request.Headers.Authorization != $"Bearer {JoinToken}")
        {
            return Task.FromResult((StatusCodes.Status401Unauthorized, Array.Empty<byte>()));
        }

        var request = JsonSerializer.Deserialize(body, Json.JoinRequest)!;
        Joins.Enqueue(request);
        var id = Change(() =>
        {
            var known = _workers.FirstOrDefault(worker => worker.Value.Name == request.Name);
            var workerId = known.Value.Name is null ? Guid.CreateVersion7() : known.Key;
            var isNew = known.Value.Name is not null && known.Value.Instance != request.InstanceId;
            _workers[workerId] = (request.Name!, request.InstanceId!.Value);
            foreach (var host in _hosts.Values.Where(host => isNew && host.Worker == request.Name && host.Epoch > 0))
            {
                host.BeginEpoch(host.Worker);
            }

            return workerId;
        });
        var response = new JoinResponse { WorkerId = id, Credential = $"of-{request.InstanceId}", DataPlaneCredential = DataPlaneCredential, LeaseSeconds = LeaseSeconds };
        return Task.FromResult((StatusCodes.Status200OK, JsonSerializer.SerializeToUtf8Bytes(response, Json.JoinResponse)));
    }

    /// <summary>A host that was let go under its epoch begins a new one.</summary>
    private async Task<IResult> ReportAsync(HttpContext http, Guid id)
    {
        var conditions = (await JsonSerializer.DeserializeAsync(http.Request.Body, Json.WorkerConditions))!;
        Conditions[id] = conditions;
        foreach (var condition in conditions.Hosts!)
        {
            Reports.Enqueue(condition);
            if (condition.WantsBoot)
            {
                Change(() =>
                {
                    if (_hosts.GetValueOrDefault(condition.HostId!.Value) is { } host && host.Epoch == condition.Epoch)
                    {
                        host.BeginEpoch(host.Worker);
                    }
                });
            }
        }

        return Results.NoContent();
    }

    private async Task<(int Status, byte[] Body)> SyncAsync(HttpContext http, byte[] body)
    {
        var request = JsonSerializer.Deserialize(body, Json.SyncRequest)!;
        Syncs.Enqueue(request);
        if (!KnowsDigests && request.HostsDigest is not null)
        {
            return (StatusCodes.Status400BadRequest, []);
        }

        var worker = _workers[Guid.Parse((string)http.Request.RouteValues["id"]!)];
        if (worker.Instance != request.InstanceId || http.Request.Headers.Authorization != $"Bearer of-{worker.Instance}")
        {
            return (StatusCodes.Status409Conflict, []);
        }

        var patience = Task.Delay(TimeSpan.FromSeconds(Math.Min(request.WaitSeconds, LeaseSeconds / 3.0)), CancellationToken.None);
        for (var brings = true; ; brings = false)
        {
            if (SyncStatus is { } status)
            {
                return ((int)status, []);
            }

            Task changed;
            SyncResponse response;
            lock (_gate)
            {
                if (brings)
                {
                    Take(request);
                }

                response = Answer(worker.Name, request);
                changed = _changed.Task;
            }

            if (patience.IsCompleted || HasNews(request, response))
            {
                return (StatusCodes.Status200OK, JsonSerializer.SerializeToUtf8Bytes(response, Json.SyncResponse));
            }

            await Task.WhenAny(changed, patience).WaitAsync(http.RequestAborted);
        }
    }

    private void Take(SyncRequest request)
    {
        foreach (var result in request.Results!)
        {
            Reported.Enqueue(result);
            _hosts.GetValueOrDefault(result.HostId)?.Take(result);
        }

        foreach (var seen in request.Observations!)
        {
            _hosts.GetValueOrDefault(seen.HostId)?.Take(seen);
        }
    }

    private SyncResponse Answer(string worker, SyncRequest request)
    {
        List<ScriptedHost> mine = [.. _hosts.Values.Where(host => host.Worker == worker).OrderBy(host => host.Id)];
        var digest = $"all:{string.Join(',', mine.Select(host => $"{host.Id:N}/{host.Epoch}/{host.Generation}"))}";
        var isPartial = request.HostsDigest is { Length: > 0 };
        var isKnown = request.HostsDigest == digest;
        var hosts = mine.Select(host => host.Assign(request.Hosts!.FirstOrDefault(held => held.HostId == host.Id)
            ?? (isKnown ? new HeldHost { HostId = host.Id, Epoch = host.Epoch, ObservedGeneration = host.Generation, AcceptedSequence = 0 } : null)));
        return new SyncResponse
        {
            LeaseSeconds = LeaseSeconds,
            AcknowledgedResults = [.. request.Results!.Select(result => result.TaskId)],
            AcknowledgedObservations = [.. request.Observations!.Select(seen => new AcknowledgedObservation(seen.DimmId, seen.Version))],
            Hosts = isPartial && !isKnown ? [] : [.. hosts.Where(host => !isPartial || host.Tasks.Count > 0)],
            Partial = isPartial,
            HostsDigest = request.HostsDigest is null ? null : isPartial && !isKnown ? string.Empty : digest,
            CancelledTasks = isPartial && !isKnown ? [] : [.. mine.SelectMany(host => host.Cancelled)],
        };
    }

    private static bool HasNews(SyncRequest request, SyncResponse response) =>
        response.AcknowledgedResults.Count > 0 || response.AcknowledgedObservations.Count > 0 || response.CancelledTasks.Count > 0
        || response.HostsDigest != request.HostsDigest || (!response.Partial && response.Hosts.Count != request.Hosts!.Count)
        || response.Hosts.Any(host => host.Tasks.Count > 0 || host.Layout is not null);
}
