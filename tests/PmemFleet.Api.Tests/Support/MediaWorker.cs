using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using PmemFleet.Contracts;
using PmemFleet.Contracts.DataPlane;
using PmemFleet.Contracts.MediaErrors;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Sync;

namespace PmemFleet.Api.Tests.Support;

/// <summary>
/// A worker in this process: it speaks the worker protocol and the data plane over HTTP, keeps info blocks and poison in memory, and answers other
/// data-plane requests as the test says. It knows nothing of the formats: what was bound once is found again where it was.
/// </summary>
public sealed class MediaWorker : IAsyncDisposable
{
    private const long MiB = 1 << 20;
    private readonly WebApplication _app;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<(Guid Host, long Start), StepBound> _media = new();
    private readonly ConcurrentDictionary<Guid, (DimmObservation Seen, bool Told)> _dimms = new();
    private readonly Dictionary<Guid, HostAssignment> _hosts = [];
    private readonly Dictionary<Guid, HostLayout> _layouts = [];
    private ScriptedWorker _protocol = null!;
    private Task _loop = Task.CompletedTask;

    private MediaWorker()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.Map("/v1/hosts/{hostId:guid}/{**path}", AnswerAsync);
    }

    /// <summary>Answers a data-plane request: method and path below the host.</summary>
    public Func<HttpContext, string, Task<bool>> OnRequest { get; set; } = (_, _) => Task.FromResult(false);

    /// <summary>Answers a step before the worker's own answer.</summary>
    public Func<TaskStep, StepResult?> OnStep { get; set; } = _ => null;

    /// <summary>While false, tasks stay undone.</summary>
    public bool Works { get; set; } = true;

    /// <summary>Steps carried out, in order.</summary>
    public ConcurrentQueue<TaskStep> Steps { get; } = new();

    /// <summary>Bytes that were put, by path.</summary>
    public ConcurrentDictionary<string, byte[]> Stored { get; } = new();

    public Uri Url => new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());

    /// <param name="api">The Api.</param>
    /// <param name="name">The worker's name.</param>
    /// <param name="former">A process of the same worker that was before: it is stopped, and its media is taken over.</param>
    public static async Task<MediaWorker> StartAsync(ApiFixture api, string name, MediaWorker? former = null)
    {
        var worker = new MediaWorker();
        if (former is not null)
        {
            await former.DisposeAsync();
            foreach (var (place, found) in former._media)
            {
                worker._media[place] = found;
            }
        }

        await worker._app.StartAsync();
        worker._protocol = await ScriptedWorker.JoinAsync(api, name, advertisedUrl: worker.Url.ToString());
        worker._loop = Task.Run(worker.RunAsync);
        return worker;
    }

    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested)
        {
            return;
        }

        await _stop.CancelAsync();
        await _loop;
        await _app.DisposeAsync();
    }

    public static Task ReplyAsync<T>(HttpContext http, DataPlaneReply<T> reply, int status = 200)
        where T : class
    {
        http.Response.StatusCode = status;
        return http.Response.WriteAsJsonAsync(reply, FleetJsonContext.Default.Options);
    }

    private async Task RunAsync()
    {
        List<TaskResult> results = [];
        var done = new HashSet<Guid>();
        while (!_stop.IsCancellationRequested)
        {
            var before = _protocol.Received.Count;
            DimmObservation[] seen = [.. _dimms.Values.Where(dimm => !dimm.Told).Select(dimm => dimm.Seen)];
            SyncResponse answer;
            try
            {
                answer = await _protocol.SyncAsync(results.Count + seen.Length > 0 ? 0 : 1, results, observations: seen);
            }
            catch (HttpRequestException) when (_stop.IsCancellationRequested)
            {
                return;
            }

            foreach (var told in answer.AcknowledgedObservations)
            {
                if (_dimms.TryGetValue(told.DimmId, out var dimm) && dimm.Seen.Version == told.Version)
                {
                    _dimms[told.DimmId] = (dimm.Seen, true);
                }
            }

            lock (_hosts)
            {
                foreach (var host in answer.Hosts)
                {
                    _hosts[host.HostId] = host;
                    _layouts[host.HostId] = host.Layout ?? _layouts[host.HostId];
                }
            }

            results.RemoveAll(result => answer.AcknowledgedResults.Contains(result.TaskId));
            while (!Works && !_stop.IsCancellationRequested)
            {
                await Task.Delay(20);
            }

            if (_stop.IsCancellationRequested)
            {
                return;
            }

            foreach (var (host, task) in _protocol.Received.Skip(before).Where(received => done.Add(received.Task.TaskId)).ToList())
            {
                results.Add(Execute(host, task));
            }
        }
    }

    private TaskResult Execute(HostAssignment host, WorkerTask task)
    {
        var steps = new List<StepResult>();
        foreach (var step in task.Steps)
        {
            Steps.Enqueue(step);
            var result = OnStep(step) ?? Execute(host, step);
            steps.Add(result);
            if (result is StepRefused && !step.ContinueOnFailure)
            {
                break;
            }
        }

        return new TaskResult { TaskId = task.TaskId, HostId = host.HostId, Epoch = host.Epoch, Steps = steps };
    }

    private StepResult Execute(HostAssignment host, TaskStep step)
    {
        switch (step)
        {
            case BindStep { Configured: { } configured } bind:
                return _media[(host.HostId, bind.Start)] = Make(bind, configured);
            case BindStep bind:
                return !bind.ForceRaw && _media.TryGetValue((host.HostId, bind.Start), out var found)
                    ? found with { Namespace = bind.Namespace }
                    : new StepBound { Namespace = bind.Namespace, Kind = "raw" };
            case ZeroStep zero:
                _media.TryRemove((host.HostId, zero.Start), out _);
                return new StepDone();
            case InjectErrorsStep inject:
                foreach (var range in inject.Ranges)
                {
                    See(host, range.DimmId, seen => seen with
                    {
                        Poison = inject.Uninject ? [] : [.. seen.Poison, .. Enumerable.Range(0, range.Count).Select(number => new DpaRange(range.Dpa + (number * range.Stride), range.Length))],
                        BadRanges = inject.Notify && !inject.Uninject ? [.. seen.BadRanges, .. Enumerable.Range(0, range.Count).Select(number => new DpaRange(range.Dpa + (number * range.Stride), range.Length))] : seen.BadRanges,
                    });
                }

                return new StepDone();
            case RefuseStep refuse:
                return new StepRefused { Refusal = refuse.Refusal };
            case ClearErrorsStep:
                foreach (var dimm in _dimms.Keys.Where(id => _dimms[id].Seen.HostId == host.HostId))
                {
                    See(host, dimm, seen => seen with { Poison = [], BadRanges = [] });
                }

                return new StepDone();
            case ScrubStep:
                foreach (var dimm in Layout(host.HostId).Dimms)
                {
                    See(host, dimm.DimmId, seen => seen with { BadRanges = seen.Poison, ScrubCount = seen.ScrubCount + 1 });
                }

                return new StepScrubbed { Scrub = new ScrubDto { Count = _dimms.Values.Where(dimm => dimm.Seen.HostId == host.HostId).Max(dimm => dimm.Seen.ScrubCount), State = "idle" } };
            case BootStep { UnsafeShutdown: true }:
                foreach (var dimm in Layout(host.HostId).Dimms)
                {
                    See(host, dimm.DimmId, seen => seen with { DirtyShutdownCount = seen.DirtyShutdownCount + 1 });
                }

                return new StepDone();
            case CheckBttStep:
                return new StepChecked { Consistent = true, Messages = ["info block ok"] };
            default:
                return new StepDone();
        }
    }

    private static StepBound Make(BindStep bind, ConfiguredPersonalityDto configured)
    {
        if (configured.Kind == "btt")
        {
            return new StepBound
            {
                Namespace = bind.Namespace,
                Kind = "btt",
                Uuid = configured.Uuid,
                SectorSize = configured.SectorSize,
                Size = bind.Size - MiB,
                Version = bind.ClaimClass == "btt2" ? "2.0" : "1.1",
            };
        }

        var align = configured.Align!.Value;
        var unit = Math.Max(align, 2 * MiB);
        var map = configured.Map == "dev" ? 64 * (bind.Size / 4096) : 0;
        var offset = (8192 + map + unit - 1) / unit * unit;
        return new StepBound
        {
            Namespace = bind.Namespace,
            Kind = configured.Kind,
            Uuid = configured.Uuid,
            Map = configured.Map,
            Align = align,
            DataOffset = offset,
            StartPad = 0,
            EndTrunc = 0,
            Size = bind.Size - offset,
            PageCount = (bind.Size - offset) / 4096,
        };
    }

    private void See(HostAssignment host, Guid dimm, Func<DimmObservation, DimmObservation> change)
    {
        var former = _dimms.TryGetValue(dimm, out var known) ? known.Seen : new DimmObservation
        {
            HostId = host.HostId,
            DimmId = dimm,
            Epoch = host.Epoch,
            Version = 0,
            Poison = [],
            BadRanges = [],
            DirtyShutdownCount = 0,
            ScrubCount = 0,
        };
        _dimms[dimm] = (change(former) with { Version = former.Version + 1, Epoch = host.Epoch }, false);
    }

    private HostLayout Layout(Guid host)
    {
        lock (_hosts)
        {
            return _layouts[host];
        }
    }

    private async Task AnswerAsync(HttpContext http)
    {
        var host = Guid.Parse((string)http.Request.RouteValues["hostId"]!);
        var path = (string)http.Request.RouteValues["path"]! + http.Request.QueryString;
        if (http.Request.Headers.Authorization != $"Bearer {_protocol.DataPlaneCredential}")
        {
            await ReplyAsync(http, Refused("EPERM", "not-authenticated"), 401);
            return;
        }

        long epoch;
        lock (_hosts)
        {
            epoch = _hosts.TryGetValue(host, out var held) ? held.Epoch : -1;
        }

        if (http.Request.Headers[DataPlaneRoutes.EpochHeader] != epoch.ToString(CultureInfo.InvariantCulture))
        {
            await ReplyAsync(http, Refused("ESTALE", "fenced"), 409);
            return;
        }

        if (await OnRequest(http, path))
        {
            return;
        }

        if (HttpMethods.IsPut(http.Request.Method))
        {
            using var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body);
            Stored[path] = body.ToArray();
            await ReplyAsync(http, new DataPlaneReply<Acknowledged> { Value = new Acknowledged() });
        }
        else if (HttpMethods.IsGet(http.Request.Method) && Stored.TryGetValue(path, out var bytes))
        {
            http.Response.ContentType = "application/octet-stream";
            await http.Response.Body.WriteAsync(bytes);
        }
        else
        {
            await ReplyAsync(http, Refused("ENOENT", "not-found"), 404);
        }
    }

    private static DataPlaneReply<Acknowledged> Refused(string errno, string code) =>
        new() { Refusal = new RefusalDto { Errno = errno, Code = code, Message = code } };
}
