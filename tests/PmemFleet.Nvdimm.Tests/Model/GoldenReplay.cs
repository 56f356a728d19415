using System.Buffers.Binary;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using PmemFleet.Nvdimm.Labels;
using PmemFleet.Nvdimm.Listing;
using PmemFleet.Nvdimm.Model;
using PmemFleet.Nvdimm.Primitives;
using PmemFleet.Nvdimm.Tests.Labels;

namespace PmemFleet.Nvdimm.Tests.Model;

/// <summary>
/// Performs a recorded case's commands on the model, one after another, and notes for each what differed. Commands the
/// model has no part in (dd, mount, info block dumps) are passed over and do not count.
/// </summary>
internal sealed partial class GoldenReplay
{
    private readonly string _case;
    private readonly JsonArray _events;
    private readonly FakeMedia _media = new();
    private readonly Bus _bus;
    private readonly GoldenShell _shell;
    private readonly GoldenErrors? _errors;
    private readonly SortedDictionary<int, string?> _results = [];
    private int _at;
    private int _randoms = 900000;

    private GoldenReplay(string @case)
    {
        _case = @case;
        _events = GoldenVectors.Events(@case);
        _bus = GoldenHosts.For(@case, _media);
        _shell = new GoldenShell(_bus, _media);
        _errors = @case.StartsWith("a_n_", StringComparison.Ordinal) ? new GoldenErrors(_bus, "region1") : null;
    }

    /// <summary>Event number to what was wrong, null where all agreed.</summary>
    public static SortedDictionary<int, string?> Run(string @case)
    {
        var replay = new GoldenReplay(@case);
        for (replay._at = 0; replay._at < replay._events.Count; replay._at++)
        {
            replay.Step(replay._events[replay._at]!);
        }

        return replay._results;
    }

    public static string Title(JsonNode golden) => (string?)golden["type"] switch
    {
        "cmd" => ((string)golden["cmd"]!) is var text && text.Length > 90 ? text[..90] : (string)golden["cmd"]!,
        "snap" => $"snapshot {golden["name"]}",
        _ => (string?)golden["text"] ?? "",
    };

    private void Step(JsonNode golden)
    {
        switch ((string?)golden["type"])
        {
            case "snap" when (_case, _at) is ("x_7007", 43 or 49):
                // a region was enabled, and which of its devices Linux makes first, and numbers first, is not a rule
                break;
            case "snap":
                _results[_at] = GoldenSnapshot.Differences(_bus, golden, _case);
                break;
            case "dump" when LabelDump().Match((string)golden["text"]!) is { Success: true } dump:
                var expected = GoldenVectors.Bytes($"{_case}/{dump.Groups[2].Value}.label");
                _results[_at] = _bus.FindDimm("nmem" + dump.Groups[1].Value)!.Area is { } area
                    ? area.ToArray().AsSpan().SequenceEqual(expected) ? null : $"label bytes differ at {area.ToArray().AsSpan().CommonPrefixLength(expected)}: {Labels(expected)} but was {Labels(area.ToArray())}"
                    : expected.Length == 0 || expected.All(b => b == 0) ? null : "no label area";
                break;
            case "cmd":
                var command = (string)golden["cmd"]!;
                if (HandSteps.Run(_case, _at, _bus, _media) is { } byHand)
                {
                    _results[_at] = byHand.Length == 0 ? null : byHand;
                }
                else if (_errors?.Run(golden, command) is { } seen)
                {
                    _results[_at] = seen.Length == 0 ? null : seen;
                }
                else if (command.StartsWith("ndctl ", StringComparison.Ordinal) && !command.Contains(';', StringComparison.Ordinal) && !command.Contains('|', StringComparison.Ordinal))
                {
                    Ndctl(golden, command.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..]);
                }
                else if (_shell.Run(golden, command) is { } outcome)
                {
                    _results[_at] = outcome.Length == 0 ? null : outcome;
                }

                break;
        }
    }

    /// <summary>From here on the recorded health is what <c>SmartDeviceTests</c> compares.</summary>
    private bool IsSmartInjected =>
        _events.Take(_at).Any(earlier => ((string?)earlier!["cmd"])?.StartsWith("ndctl inject-smart", StringComparison.Ordinal) == true);

    private void Ndctl(JsonNode golden, string[] words)
    {
        var options = Words.Parse(words[1..]);
        var target = options.Rest.FirstOrDefault() ?? "";
        switch (words[0])
        {
            case "create-namespace" when !words.Contains("--help"):
                Create(golden, options);
                break;
            case "destroy-namespace":
                Each(golden, target, options, n => n.Size > 0, n => _bus.DestroyNamespace(n, options.Has("-f")));
                break;
            case "disable-namespace":
                Each(golden, target, options, n => n.Size > 0, n => _bus.DisableNamespace(n));
                break;
            case "enable-namespace":
                Each(golden, target, options, n => n.Uuid is not null || n.Size > 0, n => _bus.EnableNamespace(n));
                break;
            case "disable-region":
                Regions(golden, target, n => _bus.DisableRegion(n));
                break;
            case "enable-region":
                Regions(golden, target, n => _bus.EnableRegion(n));
                break;
            case "disable-dimm":
                Dimms(golden, target, n => _bus.DisableDimm(n));
                break;
            case "enable-dimm":
                Dimms(golden, target, n => _bus.EnableDimm(n));
                break;
            case "zero-labels":
                Dimms(golden, target, n => _bus.ZeroLabels(n));
                break;
            case "init-labels":
                var version = options.Get("-V");
                Dimms(golden, target, n => version is null or "1.1" or "1.2"
                    ? _bus.InitLabels(n, version == "1.2" ? LabelVersion.V12 : LabelVersion.V11, options.Has("-f"))
                    : new Refusal(Errno.EINVAL, "label-version", version));
                break;
            case "check-labels":
                Dimms(golden, target, n => _bus.CheckLabels(n).Refusal is { } refusal ? refusal : default(Done));
                break;
            case "read-labels" when options.Has("-j") && _bus.FindDimm(target) is { } dimm:
                Labels(golden, dimm, options);
                break;
            case "list" when options.Get("-b") is not { } bus || bus == _bus.Provider || bus == "nosuch":
                if (words.Contains("--help") || (options.Has("-H") && IsSmartInjected))
                {
                    break;
                }

                var all = NdctlList.Of(_bus, Known(GoldenHosts.Tell(_bus, options)));
                Check(GoldenJson.Normal(Clean(GoldenHosts.Only(_bus, golden["stdout"]))), GoldenJson.Normal(Clean(all)));
                break;
        }
    }

    private JsonNode? Clean(JsonNode? node) => _errors is null ? GoldenJson.Without(node, "badblock_count", "badblocks") : GoldenErrors.WithoutDimms(node);

    private ListOptions Known(ListOptions options) => _errors is null ? options : options with { Badblocks = _errors.Listed() };

    private void Labels(JsonNode golden, Dimm dimm, Words options)
    {
        if ((int)golden["rc"]! != 0 || (_case.StartsWith("a_label", StringComparison.Ordinal) && options.Has("-I") && _at == 22))
        {
            // ndctl's own reading goes wrong on an index written over another format's: not a behaviour of labels
            return;
        }

        var text = golden["stdout"] is JsonArray array ? array[0] : golden["stdout"];
        Check(GoldenJson.Normal(text), GoldenJson.Normal(LabelListing.Of(dimm.Name, dimm.Area!, options.Has("-I"))));
    }

    private void Create(JsonNode golden, Words words)
    {
        var rc = (int)golden["rc"]!;
        var printed = golden["stdout"] as JsonObject;
        if (words.Options(out var wrong) is not { } options)
        {
            Check($"rc {rc}", rc == 129 ? $"rc {rc}" : wrong);
            return;
        }

        var existing = words.Get("-e");
        var device = existing ?? (string?)printed?["dev"];
        options = options with
        {
            Uuid = words.Get("-u") is { } given ? Guid.Parse(given) : LabelUuid(device, printed) is { } seen && _bus.Namespaces.All(n => n.Uuid != seen) ? seen : TestAreas.Uuid(++_randoms),
            PersonalityUuid = (string?)printed?["uuid"] is { } made && (string?)printed["mode"] != "raw" ? Guid.Parse(made) : LeftUuid(words.Get("-m")) ?? TestAreas.Uuid(++_randoms),
        };
        var created = existing is null ? _bus.CreateNamespace(options) : _bus.ReconfigureNamespace(existing, options);
        var refusal = created.Refusal;
        if (created.TryGet(out var change, out _))
        {
            refusal = change.Refusal ?? (_media.Run(_bus, change.Steps) is { } completed ? completed.Refusal : null);
        }

        var actual = refusal is null ? GoldenJson.Normal(Clean(NdctlList.Namespace(change!.Namespace, Known(new ListOptions { DaxRegions = true })))) : $"rc {ExitStatus(refusal)}";
        Check(rc == 0 ? GoldenJson.Normal(Clean(printed)) : rc == 129 && refusal?.Errno == Errno.EINVAL ? actual : $"rc {rc}", actual);
        var errors = string.Join('\n', golden["stderr"]!.AsArray().Select(l => (string)l!));
        if (refusal is not null && rc != 0 && _results[_at] is null && !Lines(refusal).All(l => errors.Contains(l, StringComparison.Ordinal)))
        {
            _results[_at] = $"message '{refusal.Message}' is not in '{errors}'";
        }
    }

    private static string[] Lines(Refusal refusal) =>
        // ndctl does not name what is mounted
        refusal.Rule == "namespace-in-use" ? [refusal.Message[(refusal.Message.IndexOf(": ", StringComparison.Ordinal) + 2)..]] : refusal.Message.Split('\n');

    /// <summary>The sequence numbers of both index blocks and what the first slots hold, for a difference's text.</summary>
    private static string Labels(byte[] area)
    {
        var index = BinaryPrimitives.ReadInt32LittleEndian(area.AsSpan(32));
        var size = 128 << area[19];
        return index is < 256 or > 4096 ? "no index" : $"seq {area[20]},{area[index + 20]} slots " + string.Join(' ', Enumerable.Range(0, 6).Select(slot =>
            $"{(area[72] >> slot) & 1}{(area[index + 72] >> slot) & 1}:{Convert.ToHexStringLower(area.AsSpan((2 * index) + (slot * size), 4))}/{area[(2 * index) + (slot * size) + 80]}"));
    }

    /// <summary>The uuid of a personality that a create left behind when it failed, as the next snapshot shows it.</summary>
    private Guid? LeftUuid(string? mode)
    {
        var kind = mode switch { "sector" => "btt", "devdax" => "dax", _ => "pfn" };
        var snapshot = _events.Skip(_at + 1).Take(15).FirstOrDefault(later => (string?)later!["type"] == "snap");
        return snapshot?["sysfs"]?["nd"]?.AsObject().Where(device => device.Key.StartsWith(kind, StringComparison.Ordinal))
            .Select(device => Guid.TryParse((string?)device.Value!["uuid"], out var uuid) ? uuid : (Guid?)null)
            .FirstOrDefault(uuid => uuid is not null && _bus.Regions.SelectMany(region => region.AllPersonalities()).All(known => known.Uuid != uuid));
    }

    private Guid? LabelUuid(string? device, JsonObject? printed)
    {
        if (device is null)
        {
            return null;
        }

        if ((string?)printed?["mode"] == "raw" && (string?)printed["uuid"] is { } raw)
        {
            return Guid.Parse(raw);
        }

        for (var i = _at + 1; i < _events.Count && i < _at + (printed is null ? 15 : 6); i++)
        {
            if ((string?)_events[i]!["type"] != "snap")
            {
                continue;
            }

            var uuid = (string?)_events[i]!["sysfs"]?["nd"]?[device]?["uuid"];
            return uuid is { Length: > 0 } ? Guid.Parse(uuid) : null;
        }

        return null;
    }

    private void Each(JsonNode golden, string target, Words words, Func<PmemNamespace, bool> counts, Func<string, Outcome<NamespaceChange>> command)
    {
        var rc = (int)golden["rc"]!;
        string[] names = target is "all"
            ? [.. _bus.Namespaces.Where(counts).Where(n => words.Get("-r") is null || n.Region.Name == words.Get("-r")).Select(n => n.Name)] : [target];
        Refusal? refusal = null;
        foreach (var name in names)
        {
            var outcome = command(name);
            refusal ??= outcome.Refusal;
            if (outcome.TryGet(out var change, out _))
            {
                var completed = _media.Run(_bus, change.Steps);
                refusal ??= completed is { } bound ? bound.Refusal : null;
            }
        }

        Check($"rc {rc}", $"rc {(refusal is null ? 0 : ExitStatus(refusal))}");
    }

    private void Regions(JsonNode golden, string target, Func<string, Outcome<RegionChange>> command)
    {
        var done = 0;
        foreach (var name in target == "all" ? [.. _bus.Regions.Select(r => r.Name)] : new[] { target })
        {
            if (command(name).TryGet(out var change, out _))
            {
                done++;
                _media.Run(_bus, change.Steps);
            }
        }

        Check(Count(golden), done.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    private void Dimms(JsonNode golden, string target, Func<string, Outcome<Done>> command)
    {
        string[] names = target == "all" ? [.. _bus.Dimms.Select(d => d.Name)] : [.. Words.Parse(((string)golden["cmd"]!).Split(' ')[2..]).Rest];
        Check(Count(golden), names.Count(n => command(n).Refusal is null).ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    private static string Count(JsonNode golden) =>
        golden["stderr"]!.AsArray().Select(l => CountText().Match((string)l!)).LastOrDefault(m => m.Success)?.Groups[1].Value ?? "?";

    internal static int ExitStatus(Refusal refusal) =>
        256 - (refusal.Numbers.TryGetValue("exitErrno", out var errno) ? int.Parse(errno, System.Globalization.CultureInfo.InvariantCulture) : (int)refusal.Errno);

    private void Check(string expected, string actual) => _results[_at] = expected == actual ? null : $"expected {expected}\nbut was  {actual}";

    [GeneratedRegex(@"^label area of DIMM (\d) -> (\w+)\.label$")]
    private static partial Regex LabelDump();

    [GeneratedRegex(@"(?:disabled|enabled|initialized|verified|zeroed|destroyed) (\d+) ")]
    private static partial Regex CountText();
}
