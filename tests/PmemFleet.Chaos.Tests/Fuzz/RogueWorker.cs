using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using PmemFleet.Chaos.Tests.Support;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Campaigns;
using PmemFleet.Contracts.Health;
using PmemFleet.Contracts.MediaErrors;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Sync;
using PmemFleet.Contracts.Workers;
using PmemFleet.Contracts.Workloads;

namespace PmemFleet.Chaos.Tests.Fuzz;

/// <summary>A worker that speaks the protocol and keeps no media: what it says between its hostile bodies is true enough to be believed.</summary>
internal sealed class RogueWorker(ChaosFleet fleet) : IDisposable
{
    public const string Name = "rogue";
    public const string Host = "rogue-host";

    private readonly HttpClient _http = fleet.NewClient(null, fleet.ReplicaUrls[0]);
    private readonly Dictionary<Guid, HeldHost> _held = [];
    private readonly Dictionary<Guid, (HostAssignment Host, WorkerTask Task)> _open = [];
    private HostLayout? _layout;
    private Guid _instance;
    private JoinResponse? _joined;

    public static string Path => $"/v1/workers/{Name}/sync";

    public int Joins { get; private set; }

    /// <summary>Sends as this worker, whatever it is.</summary>
    public HttpClient Http => _http;

    public int Open => _open.Count;

    public static JoinRequest Joining(string name, string pool, Guid instance) =>
        new() { Name = name, MediaPool = pool, AdvertisedUrl = "http://127.0.0.1:9", InstanceId = instance, Version = "chaos" };

    /// <summary>Joins as a new process, and carries out what waits.</summary>
    public async Task JoinAsync()
    {
        _instance = Guid.CreateVersion7();
        _held.Clear();
        _open.Clear();
        using var http = fleet.NewClient(ChaosFleet.JoinToken, fleet.ReplicaUrls[0]);
        using var answer = await http.PostAsJsonAsync("/v1/workers/join", Joining(Name, Name, _instance), FleetJsonContext.Default.JoinRequest);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        _joined = await answer.Content.ReadFromJsonAsync(FleetJsonContext.Default.JoinResponse);
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", _joined!.Credential);
        Joins++;
    }

    /// <summary>An honest sync; false where this process is fenced.</summary>
    public async Task<bool> SyncAsync()
    {
        using var answer = await _http.PostAsJsonAsync(Path, Request([.. _open.Values.Select(Done)], []), FleetJsonContext.Default.SyncRequest);
        if (answer.StatusCode == HttpStatusCode.Conflict)
        {
            return false;
        }

        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        var down = (await answer.Content.ReadFromJsonAsync(FleetJsonContext.Default.SyncResponse))!;
        foreach (var acknowledged in down.AcknowledgedResults)
        {
            _open.Remove(acknowledged);
        }

        _held.Clear();
        foreach (var host in down.Hosts)
        {
            // no sequence is accepted: what is still open comes again, whatever was said of it in between
            _held[host.HostId] = new HeldHost { HostId = host.HostId, Epoch = host.Epoch, ObservedGeneration = host.Generation, AcceptedSequence = 0 };
            _layout = host.Layout ?? _layout;
            foreach (var task in host.Tasks)
            {
                _open[task.TaskId] = (host, task);
            }
        }

        return true;
    }

    /// <summary>Honest until nothing is open and its host is up; joins anew where it has to.</summary>
    public async Task SettleAsync()
    {
        for (var attempt = 0; attempt < 300; attempt++)
        {
            if (!await SyncAsync())
            {
                await JoinAsync();
            }
            else if (_open.Count == 0)
            {
                var host = await fleet.Client.GetAsync($"/v1/hosts/{Host}");
                if ((string?)host.Body?["state"] == "ready" || host.Status == 404)
                {
                    return;
                }

                await Task.Delay(50);
            }
        }

        Assert.Fail($"the rogue's host does not come up: {await fleet.Client.GetAsync($"/v1/hosts/{Host}")}\n{fleet.Errors()}");
    }

    /// <summary>A sync with something of everything in it.</summary>
    public SyncRequest Everything()
    {
        var held = _held.Values.FirstOrDefault();
        var (host, epoch) = (held?.HostId ?? Guid.NewGuid(), held?.Epoch ?? 1);
        TaskResult Invented(StepResult step) => new() { TaskId = Guid.NewGuid(), HostId = host, Epoch = epoch, Steps = [step] };
        var refusal = new RefusalDto { Errno = "EIO", Code = "rogue", Message = "no", Numbers = new Dictionary<string, string> { ["a"] = "1" }, Allowed = ["1"], Subject = "x" };
        return Request(
            [
                .. _open.Values.Select(Done),
                Invented(new StepRefused { Refusal = refusal, Namespace = "namespace0.0", Claim = new ConfiguredPersonalityDto { Kind = "btt", Uuid = Guid.NewGuid(), SectorSize = 4096 } }),
                Invented(new StepWorkload { Outcome = new WorkloadResultDto { EndedByPowerCut = false, Figures = null!, Phases = [] }, Sha256 = "00" }),
                Invented(new StepCampaign { Part = new CampaignPartDto { Summary = new CampaignSummaryDto(), Log = [1, 2, 3] } }),
            ],
            [.. (_layout?.Dimms ?? []).Select(dimm => Seen(host, epoch, dimm))]) with
        {
            Progress = [.. _open.Keys.Append(Guid.NewGuid()).Select(task => new TaskProgress { TaskId = task, Fraction = 0.5 })],
        };
    }

    public void Dispose() => _http.Dispose();

    private SyncRequest Request(IReadOnlyList<TaskResult> results, IReadOnlyList<DimmObservation> observations) => new()
    {
        InstanceId = _instance,
        Hosts = [.. _held.Values],
        Results = results,
        Observations = observations,
    };

    private static TaskResult Done((HostAssignment Host, WorkerTask Task) one) => new()
    {
        TaskId = one.Task.TaskId,
        HostId = one.Host.HostId,
        Epoch = one.Host.Epoch,
        Steps = [.. one.Task.Steps.Select(Done)],
    };

    private static StepResult Done(TaskStep step) => step switch
    {
        BindStep bind => new StepBound { Namespace = bind.Namespace, Kind = "raw" },
        ScrubStep => new StepScrubbed { Scrub = new ScrubDto { Count = 1, State = "idle" } },
        CheckBttStep => new StepChecked { Consistent = true, Messages = [] },
        CampaignStep => new StepCampaign { Part = new CampaignPartDto { Summary = new CampaignSummaryDto() } },
        _ => new StepDone(),
    };

    private static DimmObservation Seen(Guid host, long epoch, DimmLayout dimm) => new()
    {
        HostId = host,
        DimmId = dimm.DimmId,
        Epoch = epoch,
        Version = TimeProvider.System.GetTimestamp() / 1_000_000,
        Poison = [new DpaRange(4096, 512), new DpaRange(8192, 256)],
        BadRanges = [new DpaRange(4096, 256)],
        PoisonRanges = 2,
        PoisonBytes = 768,
        KnownRanges = 1,
        KnownBytes = 256,
        DirtyShutdownCount = 1,
        ScrubCount = 2,
        Health = new DimmHealthDto
        {
            HealthState = "ok",
            TemperatureCelsius = 30,
            ControllerTemperatureCelsius = 31,
            SparesPercentage = 99,
            LifeUsedPercentage = 1,
            AlarmTemperature = false,
            AlarmControllerTemperature = false,
            AlarmSpares = false,
            AlarmEnabledMediaTemperature = false,
            TemperatureThreshold = 80,
            AlarmEnabledControllerTemperature = false,
            ControllerTemperatureThreshold = 90,
            AlarmEnabledSpares = true,
            SparesThreshold = 10,
            ShutdownState = "clean",
            ShutdownCount = 1,
            ClearedUnits = 0,
            Firmware = new DimmFirmwareDto { CurrentVersion = "1", State = "idle" },
            Security = new DimmSecurityDto { State = "disabled", Frozen = false },
            Injected = ["spares"],
        },
    };
}
