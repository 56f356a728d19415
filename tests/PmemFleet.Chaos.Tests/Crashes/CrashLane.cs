using System.Text.Json.Nodes;
using PmemFleet.Chaos.Tests.Kills;
using PmemFleet.Chaos.Tests.Support;
using PmemFleet.Chaos.Tests.Wires;

namespace PmemFleet.Chaos.Tests.Crashes;

/// <summary>A fleet of its own, in which units are run one after the other.</summary>
internal sealed class CrashLane : IAsyncDisposable
{
    private const string Host = "crash";

    /// <summary>Looked at before each command: one to destroy and one that is not its object; and room for one more.</summary>
    private const int FewestNamespaces = 2;
    private const int MostNamespaces = 5;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    /// <summary>A program is killed seconds after its start: the runtime compiles only what is called very often a second time, which took half of all time.</summary>
    private static readonly Dictionary<string, string> ProcessesThatLiveShort = new() { ["DOTNET_TC_CallCountThreshold"] = "2000" };

    private readonly PostgresWire[] _wires;
    private readonly ChaosFleet _fleet;
    private readonly CrashTrigger _trigger;
    private readonly RegionLoad _load;
    private readonly Random _random;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _supervision;
    private volatile bool _isWorkerKilled;
    private string _workerInstance = string.Empty;
    private long _eventsSeen;

    private CrashLane(PostgresWire[] wires, ChaosFleet fleet, Random random)
    {
        (_wires, _fleet, _random) = (wires, fleet, random);
        _load = new RegionLoad(fleet.Client, Host, 0, new Random(random.Next()));
        _trigger = new CrashTrigger { KillReplica = replica => fleet.Replicas[replica].Kill(), KillWorker = KillWorker };
        foreach (var (wire, replica) in wires.Select((wire, replica) => (wire, replica)))
        {
            wire.Committed = statements => _trigger.OnCommit(replica, statements);
        }

        fleet.Front.ChooseForAnswer = (request, status, replica) => _trigger.OnAnswer(CrashMoment.Reply, request, status, replica);
        fleet.WorkerWire.ChooseForAnswer = (request, status, replica) => _trigger.OnAnswer(CrashMoment.SyncReply, request, status, replica);
        _supervision = fleet.SuperviseAsync(_stop.Token);
    }

    public static async Task<CrashLane> StartAsync(ChaosServer server, Random random)
    {
        PostgresWire[] wires = [new(server.Postgres.Port), new(server.Postgres.Port)];
        var fleet = await ChaosFleet.StartAsync(server, new FleetShape
        {
            Workers = 1,

            // the next worker takes the name of the one that was killed, and waits for no lease; a short one ends by itself on a busy machine, and the host boots
            LeaseSeconds = 30,
            Pause = Pause,
            Variables = ProcessesThatLiveShort,
            PostgresPorts = [.. wires.Select(wire => wire.Port)],
        });
        await fleet.CreateHostAsync(Host, dimms: 1);
        var lane = new CrashLane(wires, fleet, random);

        // who has the host now: after the first kill it has to be another one
        await lane.SettleAsync();
        return lane;
    }

    public async Task RunAsync(CrashUnit unit, CrashAccount account, CancellationToken stop)
    {
        foreach (var piece in unit.Pieces)
        {
            var last = new List<StruckCommand>();
            for (var place = 0; place < piece.Count && !stop.IsCancellationRequested; place++)
            {
                try
                {
                    await ProvideAsync(piece[place]);
                    last.Add(new StruckCommand(piece[place], await StrikeAsync(piece[place], piece.Skip(place + 1), unit.Point)));
                    await SettleAsync();
                    await FleetVerdict.DemandHostAsync(_fleet, Host, [_load]);
                    _eventsSeen = await FleetVerdict.DemandEventsAsync(_fleet, _eventsSeen);
                }
                catch (Exception failure) when (failure is not OutOfMemoryException)
                {
                    throw new InvalidOperationException($"{string.Join(", ", piece.Take(place + 1).TakeLast(CommandSequence.Longest))} with {unit.Point}: {failure.Message}\n{_fleet.Errors()}", failure);
                }

                account.Note(unit.Point, last);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _supervision;
        await _fleet.DisposeAsync();
        foreach (var wire in _wires)
        {
            await wire.DisposeAsync();
        }

        _stop.Dispose();
    }

    /// <summary>Undisturbed, so that every command has its object: an older namespace, which is none of the commands'.</summary>
    private async Task ProvideAsync(Command next)
    {
        while (_load.Namespaces.Count > MostNamespaces)
        {
            await _load.DestroyAsync(_load.Namespaces[0]);
        }

        while (_load.Namespaces.Count < FewestNamespaces || ObjectOf(next) is null)
        {
            await _load.CreateAsync("raw", asOldest: true);
        }
    }

    /// <summary>True where it was struck.</summary>
    private async Task<bool> StrikeAsync(Command command, IEnumerable<Command> following, CrashPoint point)
    {
        _trigger.Arm(point);
        var repeatable = await SendAsync(command, following);
        if (point.CanStrike(command))
        {
            await _trigger.FiredAsync(Grace);
        }

        var (fired, commits) = _trigger.Disarm();
        Assert.True(commits > 0 || command == Command.Write, $"no commit of {command} was recognised: what the Api writes is not what CrashTrigger looks for");
        if (repeatable)
        {
            await DemandSameAnswerAsync();
        }

        return fired;
    }

    /// <summary>True where a POST was sent, which can be repeated with its key.</summary>
    private async Task<bool> SendAsync(Command command, IEnumerable<Command> following)
    {
        switch (command)
        {
            case Command.Create:
                await _load.CreateAsync(ModeFor(following));
                return true;
            case Command.Reconfigure:
                await _load.ReconfigureAsync(ObjectOf(command)!, ModeFor(following));
                return true;
            case Command.Destroy:
                await _load.DestroyAsync(ObjectOf(command)!);
                return false;
            case Command.Inject:
                await _load.InjectAsync(ObjectOf(command)!);
                return true;
            case Command.Clear:
                await _load.ClearAsync(ObjectOf(command)!);
                return true;
            case Command.Write:
                await _load.WriteAsync(ObjectOf(command)!);
                return false;
            default:
                await _load.PowerAsync();
                return true;
        }
    }

    /// <summary>The newest namespace, of those with which the command can be: errors are injected into raw and fsdax, devdax is not written through the Api.</summary>
    private KnownNamespace? ObjectOf(Command command) => _load.Namespaces.LastOrDefault(space => command switch
    {
        Command.Inject => space.Mode is "raw" or "fsdax",
        Command.Write => space.HasBlocks,
        _ => true,
    });

    /// <summary>Any mode with which the commands that follow have this namespace as their object.</summary>
    private string ModeFor(IEnumerable<Command> following)
    {
        var about = following.Take(CommandSequence.Longest - 1).TakeWhile(command => command is not (Command.Create or Command.Reconfigure or Command.Destroy)).ToList();
        string[] modes = about.Contains(Command.Inject) ? ["raw", "fsdax"] : about.Contains(Command.Write) ? ["raw", "sector", "fsdax"] : ["raw", "sector", "fsdax", "devdax"];
        return modes[_random.Next(modes.Length)];
    }

    private async Task DemandSameAnswerAsync()
    {
        var (then, now) = await _fleet.Client.RepeatLastPost!();
        Assert.Equal(then.IsSuccess, now.IsSuccess);
        if (then.IsSuccess)
        {
            Assert.True(now.Replayed, $"the same key did it anew: {now}");
            Assert.True(then.Body is null || JsonNode.DeepEquals(then.Body, now.Body), $"the same key gave {then} and then {now}");
        }
    }

    private void KillWorker()
    {
        _isWorkerKilled = true;
        _fleet.Workers[0].Kill();
    }

    /// <summary>
    /// No operation and no task is open, and where the worker was killed, another one has the host. Else what its boot commits would be taken for the next
    /// command's commits. An Api that was killed is not waited for: the other one serves, and if that one is killed too, the client waits.
    /// </summary>
    private async Task SettleAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            var state = await _fleet.ScalarAsync<string>(
                $"SELECT worker_instance_id || ' ' || EXISTS (SELECT FROM operations WHERE ended_at IS NULL) || ' ' || EXISTS (SELECT FROM tasks WHERE NOT done) FROM hosts WHERE name = '{Host}'");
            var instance = state.Split(' ')[0];
            if (state.EndsWith(" false false", StringComparison.Ordinal) && instance != Guid.Empty.ToString() && (!_isWorkerKilled || instance != _workerInstance))
            {
                (_workerInstance, _isWorkerKilled) = (instance, false);
                return;
            }

            Assert.False(patience.IsCancellationRequested, $"the fleet does not come to rest: {state}");
            await Task.Delay(Pause, CancellationToken.None);
        }
    }
}
