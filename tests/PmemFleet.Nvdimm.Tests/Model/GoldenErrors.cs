using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using PmemFleet.Nvdimm.Ars;
using PmemFleet.Nvdimm.Badblocks;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Listing;
using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Model;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Tests.Model;

/// <summary>
/// The media errors of a recorded session in one region: inject-error, clear-errors, scrubs, badblocks files and direct reads and writes. Which DIMM an
/// error is on is not compared: nfit_test does not translate addresses, and names the same DIMM for all.
/// </summary>
internal sealed partial class GoldenErrors(Bus bus, string region)
{
    private const int Sector = 512;
    private const int Unit = 256;

    private readonly Region _region = bus.Regions.Single(one => one.Name == region);
    private MemoryMedia? _made;
    private BusScrub? _scrub;

    private MemoryMedia Media => _made ??= new MemoryMedia(_region.Size) { ClearErrorUnit = Unit };

    private BusScrub Scrub => _scrub ??= new BusScrub(new ArsDevice(new ArsCapability()), [new ByteRange(0, _region.Size)]);

    public static JsonNode? WithoutDimms(JsonNode? node)
    {
        switch (node)
        {
            case JsonArray array:
                return new JsonArray([.. array.Select(WithoutDimms)]);
            case JsonObject one:
                var isBadblock = one.ContainsKey("offset") && one.ContainsKey("length");
                return new JsonObject(one.Where(member => !isBadblock || member.Key != "dimms").Select(member => KeyValuePair.Create(member.Key, WithoutDimms(member.Value))));
            default:
                return node?.DeepClone();
        }
    }

    public ImmutableDictionary<string, ImmutableArray<RegionBadblock>> Listed() => ImmutableDictionary<string, ImmutableArray<RegionBadblock>>.Empty.Add(
        _region.Name, [.. Table(0, _region.Size).Entries.Select(entry => new RegionBadblock(entry.Start, entry.Length, []))]);

    /// <summary>Null: not a command of media errors. Empty: as recorded.</summary>
    public string? Run(JsonNode golden, string command)
    {
        if (InjectError().Match(command) is { Success: true } inject)
        {
            return Inject(golden, inject.Groups[1].Value, bus.Namespaces.Single(one => one.Name == inject.Groups[2].Value));
        }

        if (ClearErrors().Match(command) is { Success: true } clear)
        {
            var device = bus.Namespaces.Single(one => one.Name == clear.Groups[1].Value);
            var target = Target(device);
            var done = ErrorClearing.ClearAll(Table(0, _region.Size), target.DataStart, target.DataLength, Media.ClearPoison);
            return Same(Printed(golden["stdout"]), done.Refusal is { } refusal ? $"rc {GoldenReplay.ExitStatus(refusal)}" : Show(device));
        }

        if (Scrubbing().Match(command) is { Success: true } scrub)
        {
            return Same((string?)golden["stdout"]!.AsArray().Single(one => (string?)one!["provider"] == bus.Provider)!["scrub_state"], Scrubbed(scrub.Groups[1].Value == "start"));
        }

        if (BadblockFiles().IsMatch(command))
        {
            var tables = bus.Namespaces.Where(one => one.IsEnabled && one.Region == _region && (command.Contains('*', StringComparison.Ordinal) || one.Id == 0))
                .Select(Target).Where(one => one.Personality != PersonalityKind.Btt).Select(one => Table(one.DataStart, one.DataLength));
            var lines = (command.Contains("region1", StringComparison.Ordinal) ? tables.Append(Table(0, _region.Size)) : tables).SelectMany(table => table.Show().Split('\n'));
            var recorded = ((string?)golden["stdout"] ?? "").Split('\n').Where(line => line.Contains(' ', StringComparison.Ordinal));
            return Same(string.Join(", ", recorded.Order(StringComparer.Ordinal)), string.Join(", ", lines.Where(line => line.Length > 0).Order(StringComparer.Ordinal)));
        }

        return DirectRead().Match(command) is { Success: true } read ? Read(golden, Number(read, 1), Number(read, 2))
            : DirectWrite().Match(command) is { Success: true } write ? Write(golden, Number(write, 1), Number(write, 2))
            : null;
    }

    private string Inject(JsonNode golden, string options, PmemNamespace device)
    {
        var asked = new InjectErrorOptions
        {
            Block = Option(options, "--block="),
            Count = Option(options, "--count="),
            Uninject = options.Contains("--uninject", StringComparison.Ordinal),
            Status = options.Contains("-t", StringComparison.Ordinal) || options.Contains("--status", StringComparison.Ordinal),
        };
        var target = Target(device);
        if (ErrorInjection.Ranges(asked, target).Refusal is { } refusal)
        {
            return Same($"rc {golden["rc"]}", $"rc {GoldenReplay.ExitStatus(refusal)}");
        }

        if (asked.Status)
        {
            var blocks = ErrorInjection.Status(Media.Poison.Ranges, target).Select(one => $"{one.Block} {one.Count}");
            return Same(string.Join(", ", golden["stdout"]?["badblocks"]?.AsArray().Select(one => $"{one!["block"]} {one["count"]}") ?? []), string.Join(", ", blocks));
        }

        foreach (var range in ErrorInjection.Ranges(asked, target).Value.Ranges)
        {
            if (asked.Uninject)
            {
                Media.Poison.Remove(range.Start, range.Length);
            }
            else
            {
                Media.Inject(range.Start, range.Length, notify: !options.Contains("--no-notify", StringComparison.Ordinal));
            }
        }

        return Same(Printed(golden["stdout"]), Show(device));
    }

    private string Scrubbed(bool starts)
    {
        if (starts)
        {
            Assert.Null(Scrub.Store("1", TimeSpan.Zero).Refusal);
        }

        while (!starts && Scrub.NextPoll is { } due)
        {
            foreach (var record in Scrub.Poll(due, Media.Poison.Within))
            {
                Media.Known.Add(record.Start, record.Length);
            }
        }

        return Scrub.IsActive ? "active" : "idle";
    }

    private string Read(JsonNode golden, long size, long at) =>
        Same($"EIO {IsEio(golden)}", $"EIO {Disk().Read(at * size, new byte[size]) == Errno.EIO}");

    private string Write(JsonNode golden, long size, long at) =>
        Same($"EIO {IsEio(golden)}", $"EIO {Disk().Write(at * size, new byte[size]).Failure == Errno.EIO}");

    private BlockAccess Disk()
    {
        var target = Target(bus.Namespaces.Single(one => one.Region == _region && one.Id == 0));
        return new BlockAccess(Media, target.DataStart, target.DataLength, readOnly: false);
    }

    private BadblockTable Table(long start, long length)
    {
        var known = new BusBadRanges();
        foreach (var range in Media.Known.Ranges)
        {
            known.Add(range.Start, range.Length);
        }

        var table = new BadblockTable();
        Assert.Equal(0, start % Sector);
        known.Populate(table, start, length);
        return table;
    }

    private InjectionTarget Target(PmemNamespace device) => device.Claim?.Bound switch
    {
        BindOutcome.Pages pages => new(device.Claim.Kind, device.Start - _region.Start + pages.StartPad.Value + pages.DataOffset.Value, pages.Size.Value, Unit),
        BindOutcome.Btt => new(PersonalityKind.Btt, device.Start - _region.Start, device.Size, Unit),
        _ => new(null, device.Start - _region.Start, device.Size, Unit),
    };

    private string Show(PmemNamespace device) =>
        GoldenJson.Normal(NdctlList.Namespace(device, new ListOptions { MediaErrors = true, Badblocks = Listed() }));

    /// <summary>uninject prints a warning before it.</summary>
    private static string Printed(JsonNode? stdout) =>
        GoldenJson.Normal(WithoutDimms(stdout is JsonValue text ? JsonNode.Parse(((string)text!)[((string)text!).IndexOf('{', StringComparison.Ordinal)..]) : stdout));

    private static bool IsEio(JsonNode golden) =>
        golden["stderr"]!.AsArray().Any(line => ((string)line!).Contains("Input/output error", StringComparison.Ordinal));

    private static long? Option(string options, string name) =>
        options.Split(' ').FirstOrDefault(word => word.StartsWith(name, StringComparison.Ordinal)) is { } word ? long.Parse(word[name.Length..], CultureInfo.InvariantCulture) : null;

    private static long Number(Match match, int group) => long.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture);

    private static string Same(string? expected, string actual) => expected == actual ? "" : $"expected {expected}\nbut was  {actual}";

    [GeneratedRegex(@"^ndctl inject-error (.*) (namespace1\.\d)$")]
    private static partial Regex InjectError();

    [GeneratedRegex(@"^ndctl clear-errors (?:-v )?(namespace1\.\d)$")]
    private static partial Regex ClearErrors();

    [GeneratedRegex(@"^ndctl (start|wait)-scrub(?: nfit_test\.0)?$")]
    private static partial Regex Scrubbing();

    [GeneratedRegex(@"^cat /sys/block/pmem[1*]+/badblocks")]
    private static partial Regex BadblockFiles();

    [GeneratedRegex(@"^dd if=/dev/pmem1 of=/dev/null bs=(\d+) skip=(\d+) count=1")]
    private static partial Regex DirectRead();

    [GeneratedRegex(@"^dd if=/dev/zero of=/dev/pmem1 bs=(\d+) seek=(\d+) count=1")]
    private static partial Regex DirectWrite();
}
