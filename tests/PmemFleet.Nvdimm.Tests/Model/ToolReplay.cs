using System.Globalization;
using System.Text.Json.Nodes;
using PmemFleet.DeviceDax.Devices;
using PmemFleet.Nvdimm.Btt;
using PmemFleet.Nvdimm.Labels;
using PmemFleet.Nvdimm.Listing;
using PmemFleet.Nvdimm.Model;
using PmemFleet.Nvdimm.Primitives;
using PmemFleet.Nvdimm.Tests.Labels;
using NdctlRefusal = PmemFleet.Nvdimm.Primitives.Refusal;

namespace PmemFleet.Nvdimm.Tests.Model;

/// <summary>
/// Performs recorded sessions over media with bytes: check-namespace, damage to info blocks, reads and writes, every list option, daxctl. Each step is compared
/// but for the recorder's remarks.
/// </summary>
internal sealed partial class ToolReplay
{
    private readonly string _case;
    private readonly JsonArray _events;
    private readonly ReplayMedia _media = new();
    private readonly Bus _bus;
    private readonly ReplayDax _dax;
    private readonly ReplayPatterns _patterns;
    private readonly SortedDictionary<int, string?> _results = [];
    private int _at;
    private int _randoms = 900000;

    private ToolReplay(string @case)
    {
        _case = @case;
        _events = GoldenVectors.Events(@case);
        _bus = ToolMachine.Of(@case, _media);
        _dax = new ReplayDax(_bus);
        _patterns = new ReplayPatterns(_bus, _media);
    }

    /// <summary>The cases that are replayed here.</summary>
    public static IEnumerable<string> Cases => ["n_bttdmg", "n_list2", "n_pfn1", "n_reboot_c", "n_seed", "y_lists"];

    /// <summary>Event number to what was wrong, null where all agreed.</summary>
    public static SortedDictionary<int, string?> Run(string @case)
    {
        var replay = new ToolReplay(@case);
        for (replay._at = 0; replay._at < replay._events.Count; replay._at++)
        {
            var golden = replay._events[replay._at]!;
            var wrong = (string?)golden["type"] switch
            {
                "snap" => replay.Snapshot(golden),
                "dump" when ((string)golden["text"]!).StartsWith("label area", StringComparison.Ordinal) => replay.Labels((string)golden["text"]!),
                "cmd" => replay.Command(golden, (string)golden["cmd"]!),
                _ => null,
            };
            if (wrong is not null)
            {
                replay._results[replay._at] = wrong.Length == 0 ? null : wrong;
            }
        }

        return replay._results;
    }

    private string Snapshot(JsonNode golden)
    {
        if ((_case, (string?)golden["name"]) is ("n_seed", "re3"))
        {
            // this time the probe of namespace0.0 ended before the kernel had noted which namespace the seed is, so that none was made
            var region = _bus.FindRegion("region0")!;
            region.NamespaceTable.Remove(region.NamespaceSeed!.Id);
            region.NamespaceSeed = region.NamespaceTable.Find(0);
        }

        return GoldenSnapshot.Differences(_bus, golden, _case) ?? "";
    }

    private string Labels(string text)
    {
        var words = text.Split(' ');
        var (recorded, actual) = (GoldenVectors.Bytes($"{_case}/{words[^1]}"), _bus.FindDimm("nmem" + words[^3])!.Area!.ToArray());
        return actual.AsSpan().SequenceEqual(recorded) ? "" : $"label bytes differ at {actual.AsSpan().CommonPrefixLength(recorded)}";
    }

    private string? Command(JsonNode golden, string command)
    {
        if (command.StartsWith("echo ", StringComparison.Ordinal) && command.Split("; cat ") is [var store, var path])
        {
            var parts = store.Split(' ');
            return Same("", Store(parts[1], parts[^1])?.Message ?? "") + Same($"{golden["stdout"]}", $"{_bus.FindNamespace(path.Split('/')[^2])!.Size}");
        }

        if (command.Contains(';', StringComparison.Ordinal))
        {
            var counts = command.Split(';', StringSplitOptions.TrimEntries).Select(part => Counted(part.Split(' ')));
            return Same(string.Join(',', Stderr(golden).Select(line => line.Split(' ')[1])), string.Join(',', counts.Select(count => count.ToString(CultureInfo.InvariantCulture))));
        }

        var words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return (words[0], words.Length > 1 ? words[1] : "") switch
        {
            ("ndctl", "list") => List(golden, command),
            ("ndctl", "create-namespace") => Create(golden, Words.Parse(words[2..])),
            ("ndctl", "check-namespace") => Check(golden, Words.Parse(words[2..])),
            ("ndctl", "destroy-namespace") => Each(golden, words[^1], device => device.Size > 0, name => _bus.DestroyNamespace(name, force: true)),
            ("ndctl", "disable-namespace") => Each(golden, words[^1], device => device.Size > 0, _bus.DisableNamespace),
            ("ndctl", "enable-namespace") => Each(golden, words[^1], device => device.Size > 0, _bus.EnableNamespace),
            ("ndctl", _) => Same(Count(golden), Counted(words).ToString(CultureInfo.InvariantCulture)),
            ("daxctl", "list") => Same(GoldenJson.Normal(golden["stdout"]), GoldenJson.Normal(DaxctlList.Of(_bus, ToolWords.Parse(command).Daxctl(), _dax.States))),
            ("daxctl", _) => Daxctl(golden, words),
            ("pat", "r") when _case == "n_reboot_c" => null,
            ("pat" or "ib", _) => Pattern(golden, words),
            ("echo", _) => Same($"rc {golden["rc"]}", $"rc {Rc(Store(words[1], words[^1]))}"),
            ("cat", _) => Same((string?)golden["stdout"], Attribute(words[1])),
            ("ls", _) => Files(golden, words[^1]),
            _ => null,
        };
    }

    private string List(JsonNode golden, string command)
    {
        var words = ToolWords.Parse(command);
        if (words.Get('m') is { } mode && NamespaceModes.Parse(mode) is null)
        {
            return Same("234", $"{golden["rc"]}");
        }

        if (words.Get('t') is not (null or "pmem" or "blk"))
        {
            return Same("234", $"{golden["rc"]}");
        }

        var printed = NdctlList.Of(_bus, words.Ndctl() with { DaxDevices = _dax.States });
        return Same(Ordered(golden["stdout"]), Ordered(printed));
    }

    /// <summary>Devices in their order, members in any.</summary>
    private static string Ordered(JsonNode? node) => node switch
    {
        null => "",
        JsonArray array => "[" + string.Join(",", array.Select(Ordered)) + "]",
        JsonObject members => "{" + string.Join(",", members.Where(member => member.Key != "raw_uuid").OrderBy(member => member.Key, StringComparer.Ordinal).Select(member => $"{member.Key}:{Ordered(member.Value)}")) + "}",
        _ => node.ToJsonString(),
    };

    private string Create(JsonNode golden, Words words)
    {
        var printed = golden["stdout"] as JsonObject;
        var options = words.Options(out var wrong);
        if (options is null)
        {
            return wrong;
        }

        var existing = words.Get("-e");
        options = options with
        {
            Region = options.Region is "all" ? null : options.Region,
            Uuid = words.Get("-u") is { } given ? Guid.Parse(given) : LabelUuid(existing ?? (string?)printed?["dev"], printed) ?? TestAreas.Uuid(++_randoms),
            PersonalityUuid = (string?)printed?["uuid"] is { } made && (string?)printed["mode"] != "raw" ? Guid.Parse(made) : TestAreas.Uuid(++_randoms),
        };
        var created = existing is null ? _bus.CreateNamespace(options) : _bus.ReconfigureNamespace(existing, options);
        var refusal = created.Refusal;
        if (created.TryGet(out var change, out _))
        {
            refusal = change.Refusal ?? _media.Run(_bus, change.Steps)?.Refusal;
        }

        if (refusal is not null)
        {
            return Same($"rc {golden["rc"]}", $"rc {GoldenReplay.ExitStatus(refusal)}") + Missing(golden, refusal.Message.Split('\n'));
        }

        return Same(GoldenJson.Normal(printed), GoldenJson.Normal(NdctlList.Namespace(change!.Namespace, new ListOptions { DaxRegions = true })));
    }

    /// <summary>The label's uuid is random where none is given; a raw namespace shows it, and so does a list of it once it is disabled.</summary>
    private Guid? LabelUuid(string? device, JsonObject? printed) =>
        (string?)printed?["mode"] == "raw" ? Guid.Parse((string)printed["uuid"]!)
        : _events.Skip(_at + 1).TakeWhile(later => ((string?)later!["cmd"])?.StartsWith("ndctl destroy-namespace", StringComparison.Ordinal) != true)
            .SelectMany(later => Disabled(later!["stdout"])).Where(one => (string?)one["dev"] == device).Select(one => (Guid?)Guid.Parse((string)one["uuid"]!)).FirstOrDefault();

    private static IEnumerable<JsonObject> Disabled(JsonNode? node) => node switch
    {
        JsonArray array => array.SelectMany(Disabled),
        JsonObject one when (string?)one["state"] == "disabled" && (string?)one["mode"] == "raw" && (string?)one["size"]?.ToString() != "0" => [one],
        JsonObject one => one.SelectMany(member => Disabled(member.Value)),
        _ => [],
    };

    private string Check(JsonNode golden, Words words)
    {
        var outcome = _bus.CheckNamespace(words.Rest[0], words.Has("-f"), new BttCheckOptions { Repair = words.Has("-R"), RewriteLog = words.Has("-L") });
        var refusal = outcome.Refusal;
        BttCheckResult? found = null;
        if (outcome.TryGet(out var change, out _))
        {
            Do(change);
            found = _media.Checked;
            refusal = change.Refusal;
        }

        var errno = (int)(refusal?.Errno ?? found?.Failure ?? 0);
        var lines = refusal is not null ? [refusal.Message] : found!.Messages;
        return Same($"rc {golden["rc"]}", $"rc {(errno == 0 ? 0 : 256 - errno)}") + Missing(golden, lines)
            + (errno == 0 && Printed(golden).Count() != lines.Count ? $"lines: expected {string.Join('|', Printed(golden))} but was {string.Join('|', lines)}" : "");
    }

    /// <summary>What the tool says of the namespace, without its last lines, which count.</summary>
    private static IEnumerable<string> Printed(JsonNode golden) =>
        Stderr(golden).Where(line => !line.StartsWith("checked ", StringComparison.Ordinal) && !line.StartsWith("error ", StringComparison.Ordinal))
            .Concat(golden["stdout"] is JsonValue text ? ((string)text!).Split('\n', StringSplitOptions.RemoveEmptyEntries) : []);

    private static string Missing(JsonNode golden, IEnumerable<string> lines) =>
        string.Concat(lines.Where(line => !string.Join('\n', Stderr(golden).Concat(Printed(golden))).Contains(line, StringComparison.Ordinal)).Select(line => $"'{line}' is not said: {string.Join('|', Stderr(golden))} "));

    private string Each(JsonNode golden, string target, Func<PmemNamespace, bool> counts, Func<string, Outcome<NamespaceChange>> command)
    {
        var (done, last) = (0, (NdctlRefusal?)null);
        foreach (var name in target == "all" ? [.. _bus.Namespaces.Where(counts).Select(device => device.Name)] : new[] { target })
        {
            if (_dax.RefuseUnbind(name) is { } busy)
            {
                last = new NdctlRefusal(Enum.Parse<Errno>(busy.Errno.ToString()), busy.Rule, busy.Message);
                continue;
            }

            var outcome = command(name);
            var refusal = outcome.TryGet(out var change, out var refused) ? Do(change) : refused;
            (done, last) = refusal is null ? (done + 1, last) : (done, refusal);
        }

        return Same($"rc {golden["rc"]}", $"rc {Rc(last)}") + Same(Count(golden), done.ToString(CultureInfo.InvariantCulture));
    }

    private NdctlRefusal? Do(NamespaceChange change)
    {
        foreach (var unbound in change.Steps.OfType<MediaStep.Unbind>())
        {
            _dax.Forget(unbound.Namespace);
        }

        return _media.Run(_bus, change.Steps)?.Refusal;
    }

    private string Daxctl(JsonNode golden, string[] words)
    {
        if (_dax.Find(words[^1]) is not { } device)
        {
            return $"no device {words[^1]}";
        }

        var (after, refusal) = words[1] switch
        {
            "disable-device" => Of(device.Disable()),
            "enable-device" => Of(device.Enable()),
            "offline-memory" => Of(device.OfflineMemory()),
            "online-memory" => Of(device.OnlineMemory()),
            _ when words.Contains("system-ram") => device.ToSystemRam(onlines: true),
            _ => Of(device.ToDevdax(force: false)),
        };
        _dax.Set(after ?? device);
        var wrong = Same($"rc {golden["rc"]}", $"rc {(refusal is null ? 0 : 256 - (int)refusal.Errno)}");
        return golden["stdout"] is { } printed ? wrong + Same(GoldenJson.Normal(printed), GoldenJson.Normal(DaxctlList.Of(_bus, new DaxctlOptions(), _dax.States))) : wrong;
    }

    private static (DaxBinding? After, DeviceDax.Primitives.Refusal? Refusal) Of(DeviceDax.Primitives.Outcome<DaxBinding> outcome) =>
        outcome.TryGet(out var after, out var refusal) ? (after, null) : (null, refusal);

    /// <summary>Commands that say how many they have done.</summary>
    private int Counted(string[] words)
    {
        var (regions, dimms) = (words[1].EndsWith("-region", StringComparison.Ordinal), words[^1] == "all" ? null : words[^1]);
        var names = regions ? _bus.Regions.Select(one => one.Name) : _bus.Dimms.Select(one => one.Name);
        return names.Where(name => dimms is null || name == dimms).ToList().Count(name => words[1] switch
        {
            "disable-region" => Change(_bus.DisableRegion(name)),
            "enable-region" => Change(_bus.EnableRegion(name)),
            "disable-dimm" => _bus.DisableDimm(name).Refusal is null,
            "enable-dimm" => _bus.EnableDimm(name).Refusal is null,
            "init-labels" => _bus.InitLabels(name, words.Contains("1.2") ? LabelVersion.V12 : LabelVersion.V11, force: true).Refusal is null,
            _ => throw new InvalidOperationException(words[1]),
        });
    }

    private bool Change(Outcome<RegionChange> outcome)
    {
        if (!outcome.TryGet(out var change, out _))
        {
            return false;
        }

        _media.Run(_bus, change.Steps);
        return true;
    }

    private NdctlRefusal? Store(string text, string path)
    {
        var parts = path.Split('/');
        return (parts[^1] switch
        {
            "size" => _bus.SetSize(parts[^2], long.Parse(text, CultureInfo.InvariantCulture)),
            "force_raw" => _bus.SetForceRaw(parts[^2], text == "1"),
            "align" => _bus.SetRegionAlign(parts[^2], long.Parse(text.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture)),
            _ => throw new InvalidOperationException(path),
        }).Refusal;
    }

    private string? Attribute(string path)
    {
        var parts = path.Split('/');
        return Sysfs.DeviceAttributes.Of(_bus.FindRegion(parts[^2])!).TryGetValue(parts[^1], out var value) ? value.Text?.Trim() : null;
    }

    /// <summary>A dax device has its node whether a driver has it or not; a driver's link names it.</summary>
    private string Files(JsonNode golden, string path)
    {
        var listed = (string)golden["stdout"]!;
        return path.EndsWith("/driver", StringComparison.Ordinal)
            ? Same(listed[(listed.LastIndexOf('/') + 1)..], _dax.Find(path.Split('/')[^2])!.Driver == DaxDriver.DeviceDax ? "device_dax" : "kmem")
            : Same(string.Join(',', listed.Split('\n').Select(line => line[(line.LastIndexOf('/') + 1)..])), string.Join(',', _dax.Now().Select(one => one.Name)));
    }

    private string Pattern(JsonNode golden, string[] words)
    {
        _patterns.WritesTwice = (string?)_events.Skip(_at).FirstOrDefault(later => (string?)later!["type"] == "note")?["text"] is "kind mapoff" or "kind flog_old";
        return _patterns.Run(golden, words);
    }

    private static int Rc(NdctlRefusal? refusal) => refusal is null ? 0 : GoldenReplay.ExitStatus(refusal);

    private static IEnumerable<string> Stderr(JsonNode golden) => golden["stderr"]!.AsArray().Select(line => (string)line!);

    /// <summary>The number in <c>disabled 1 region</c>.</summary>
    private static string Count(JsonNode golden) => Stderr(golden).Last(line => line.Length > 0).Split(' ')[1];

    private static string Same(string? expected, string? actual) => expected == actual ? "" : $"expected {expected}\nbut was  {actual}\n";
}
