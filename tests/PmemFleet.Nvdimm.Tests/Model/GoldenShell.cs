using System.Globalization;
using System.Text.Json.Nodes;
using PmemFleet.Nvdimm.Listing;
using PmemFleet.Nvdimm.Model;
using PmemFleet.Nvdimm.Primitives;
using PmemFleet.Nvdimm.Sysfs;

namespace PmemFleet.Nvdimm.Tests.Model;

/// <summary>The recorded shell lines that write and read sysfs attributes: echo, cat and grep of iomem.</summary>
internal sealed class GoldenShell(Bus bus, FakeMedia media)
{
    private const string Devices = "/sys/bus/nd/devices/";

    private static string[] Writable => ["size", "uuid", "alt_name", "sector_size", "holder_class", "align"];

    /// <summary>Null: not a line for the model. Empty: as recorded. Else what differed.</summary>
    public string? Run(JsonNode golden, string line)
    {
        if (line == "grep -A20 'Persistent' /proc/iomem")
        {
            var lines = ((string)golden["stdout"]!).Split('\n').Where(l => !l.Contains("PCI", StringComparison.Ordinal) && !l.Contains("Reserved", StringComparison.Ordinal));
            return string.Join('\n', lines).TrimEnd() == IoMemory.Of(bus).TrimEnd() ? "" : $"iomem {IoMemory.Of(bus)}";
        }

        if (line.Contains('$', StringComparison.Ordinal) || line.Contains("nfit/", StringComparison.Ordinal))
        {
            return null;
        }

        var parts = line.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (parts.Any(p => p.StartsWith("echo ", StringComparison.Ordinal)
            && !p.EndsWith("bind", StringComparison.Ordinal) && !Writable.Contains(p[(p.LastIndexOf('/') + 1)..])))
        {
            return null;
        }

        if (!parts.All(p => p.StartsWith("cat " + Devices, StringComparison.Ordinal) || (p.StartsWith("echo ", StringComparison.Ordinal) && p.Contains("> /sys/bus/nd/", StringComparison.Ordinal))
            || p.StartsWith("ndctl disable-region ", StringComparison.Ordinal) || p.StartsWith("ndctl enable-region ", StringComparison.Ordinal) || p == "ndctl destroy-namespace -f all"))
        {
            return null;
        }

        var shown = new List<string>();
        var errors = new List<string>();
        foreach (var part in parts)
        {
            Perform(part, shown, errors);
        }

        var expectedErrors = golden["stderr"]!.AsArray().Select(l => (string)l!).Where(l => l.Contains("write error", StringComparison.Ordinal))
            .Select(l => l[(l.LastIndexOf(": ", StringComparison.Ordinal) + 2)..]);
        var expected = golden["stdout"] switch
        {
            null => "",
            JsonArray array => string.Join('\n', array.Select(e => e!.ToJsonString())),
            var node => node!.ToString(),
        };
        var wrong = Same(expected, string.Join('\n', shown)) ? "" : $"expected '{expected}' but was '{string.Join('|', shown)}' ";
        return wrong + (expectedErrors.SequenceEqual(errors) ? "" : $"errors: expected {string.Join('|', expectedErrors)} but was {string.Join('|', errors)}");
    }

    private static bool Same(string a, string b) =>
        a.Split('\n').Select(l => l.Trim()).Where(l => l.Length > 0).SequenceEqual(b.Split('\n').Select(l => l.Trim()).Where(l => l.Length > 0));

    private void Perform(string part, List<string> shown, List<string> errors)
    {
        var words = part.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words[0] == "ndctl")
        {
            if (words[1] == "destroy-namespace")
            {
                foreach (var name in bus.Namespaces.Where(n => n.Size > 0).Select(n => n.Name).ToArray())
                {
                    Run(bus.DestroyNamespace(name, force: true), []);
                }
            }
            else if ((words[1] == "disable-region" ? bus.DisableRegion(words[2]) : bus.EnableRegion(words[2])).TryGet(out var change, out _))
            {
                media.Run(bus, change.Steps);
            }

            return;
        }

        if (words[0] == "cat")
        {
            foreach (var path in words[1..].SelectMany(Expand))
            {
                if (Read(path) is { } text)
                {
                    shown.Add(text);
                }
            }

            return;
        }

        Write(part["echo ".Length..part.IndexOf('>', StringComparison.Ordinal)].Trim(), part[(part.IndexOf('>', StringComparison.Ordinal) + 1)..].Trim(), errors);
    }

    private IEnumerable<string> Expand(string path)
    {
        var open = path.IndexOf('{', StringComparison.Ordinal);
        if (open >= 0)
        {
            return path[(open + 1)..path.IndexOf('}', StringComparison.Ordinal)].Split(',').Select(a => path[..open] + a);
        }

        var star = path.IndexOf('*', StringComparison.Ordinal);
        return star < 0 ? [path]
            : bus.Namespaces.Select(n => n.Name).Order(StringComparer.Ordinal).Select(n => Devices + n + path[(star + 1)..]);
    }

    private string? Read(string path)
    {
        var (device, attribute) = Split(path);
        var all = bus.FindRegion(device) is { } region ? DeviceAttributes.Of(region)
            : bus.FindNamespace(device) is { } space ? DeviceAttributes.Of(space)
            : bus.FindPersonality(device) is { } personality ? DeviceAttributes.Of(bus, personality)
            : bus.FindDimm(device) is { } dimm ? DeviceAttributes.Of(bus, dimm) : null;
        return all is not null && all.TryGetValue(attribute, out var value) ? value.Text : null;
    }

    private void Write(string text, string path, List<string> errors)
    {
        if (path.EndsWith("drivers/nd_pmem/bind", StringComparison.Ordinal))
        {
            Run(bus.Bind(text), errors);
            return;
        }

        if (path.EndsWith("drivers/nd_pmem/unbind", StringComparison.Ordinal))
        {
            Run(bus.Unbind(text), errors);
            return;
        }

        var (device, attribute) = Split(path);
        var number = text.StartsWith("0x", StringComparison.Ordinal)
            ? long.Parse(text.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture)
            : long.TryParse(text, CultureInfo.InvariantCulture, out var parsed) ? parsed : 0;
        var outcome = attribute switch
        {
            "size" => bus.SetSize(device, number),
            "uuid" => bus.SetUuid(device, Guid.Parse(text)),
            "alt_name" => bus.SetAltName(device, text),
            "sector_size" => bus.SetSectorSize(device, (int)number),
            "holder_class" => bus.SetHolderClass(device, text),
            "align" => bus.SetRegionAlign(device, number),
            _ => throw new InvalidOperationException(path),
        };
        if (outcome.Refusal is { } refusal)
        {
            errors.Add(Text(refusal.Errno));
        }
    }

    private void Run(Outcome<NamespaceChange> outcome, List<string> errors)
    {
        var refusal = outcome.Refusal;
        if (outcome.TryGet(out var change, out _))
        {
            refusal = media.Run(bus, change.Steps) is { } completed ? completed.Refusal : null;

            // spec 20 section 5, 7: the write that found an info block fails, though what the block describes is bound then
            refusal ??= change.Namespace is { IsEnabled: true, Claim: not null } && change.Steps.Any(step => step is MediaStep.Bind { Plan.Configured: null })
                ? new Refusal(Errno.ENXIO, "claimed-by-personality", "") : null;
        }

        if (refusal is not null)
        {
            errors.Add(Text(refusal.Errno));
        }
    }

    private static string Text(Errno errno) => errno switch
    {
        Errno.EINVAL => "Invalid argument",
        Errno.EBUSY => "Device or resource busy",
        Errno.ENXIO => "No such device or address",
        Errno.ENODEV => "No such device",
        Errno.ENOSPC => "No space left on device",
        _ => errno.ToString(),
    };

    private static (string Device, string Attribute) Split(string path)
    {
        var rest = path[Devices.Length..];
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        return (rest[..slash], rest[(slash + 1)..]);
    }
}
