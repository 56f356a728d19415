using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Model;
using PmemFleet.Nvdimm.Primitives;
using PmemFleet.Nvdimm.Tests.Labels;

namespace PmemFleet.Nvdimm.Tests.Model;

/// <summary>Recorded steps that are shell scripts of their own, done by hand: what they do to the bus and what Linux answered.</summary>
internal static class HandSteps
{
    /// <summary>Null: not one of them. Empty: as recorded.</summary>
    public static string? Run(string @case, int step, Bus bus, FakeMedia media) => (@case, step) switch
    {
        ("j_mounted", 5) => Answers(bus.SetMounted("namespace0.0", true)),
        ("j_mounted", 6) => Answers(bus.SetMounted("namespace0.1", true)),
        ("j_mounted", 16) => Answers(bus.SetMounted("namespace0.0", false)),
        ("j_mounted", 17) => Answers(bus.SetMounted("namespace0.1", false)),
        ("j_busy_sysfs", 13 or 18) => Answers(bus.Attach("pfn0.1", "namespace0.3")),
        ("j_busy_sysfs", 14) => Answers(bus.Attach("pfn0.1", "namespace0.1"), Errno.EBUSY),
        ("j_busy_sysfs", 15) => Answers(bus.Attach("pfn0.1", "namespace9.9"), Errno.EBUSY),
        ("j_busy_sysfs", 16 or 19) => Answers(bus.Attach("btt0.1", "namespace0.3"), Errno.EBUSY),
        ("j_busy_sysfs", 21) => string.Concat(
            Answers(bus.SetPersonalityAlign("pfn0.1", 1), Errno.EINVAL), Answers(bus.SetPersonalityAlign("pfn0.1", 4096)),
            Answers(bus.SetPersonalityAlign("pfn0.1", 8192), Errno.EINVAL), Answers(bus.SetPersonalityAlign("pfn0.1", 65536), Errno.EINVAL),
            Answers(bus.SetPersonalityAlign("pfn0.1", 2097152)), Answers(bus.SetPersonalityAlign("pfn0.1", 1073741824)),
            Answers(bus.SetMap("pfn0.1", null)), Answers(bus.SetMap("pfn0.1", MapLocation.Ram)), Answers(bus.SetMap("pfn0.1", MapLocation.Pmem)),
            Answers(bus.SetPersonalityUuid("pfn0.1", TestAreas.Uuid(809)))),
        ("j_busy_sysfs", 22) => Binds(bus, media, "pfn0.1", Errno.ENXIO),
        ("j_busy_sysfs", 24) => string.Concat(
            Answers(bus.Attach("pfn0.1", "")), Answers(bus.Unbind("pfn0.1").Refusal is { } refusal ? refusal : default(Outcome<Done>), Errno.ENODEV),
            Answers(bus.Attach("pfn0.1", ""))),
        ("j_busy_sysfs", 27) => string.Concat(
            [.. Bus.BttSectorSizes.Select(s => Answers(bus.SetBttSectorSize("btt0.1", s))), Answers(bus.SetBttSectorSize("btt0.1", 1000), Errno.EINVAL)]),
        ("j_busy_sysfs", 35) => Disables(bus, "namespace0.3"),
        ("j_busy_sysfs", 38 or 42) => Disables(bus, "namespace0.1"),
        ("j_busy_sysfs", 40) => Disables(bus, "namespace0.2"),
        ("j_busy_sysfs", 43) => Disables(bus, "namespace0.0", "namespace0.2", "namespace0.3"),
        _ => null,
    };

    private static string Answers(Outcome<Done> outcome, Errno? expected = null) =>
        outcome.Refusal?.Errno == expected ? "" : $"expected {expected} but was {outcome.Refusal} ";

    private static string Binds(Bus bus, FakeMedia media, string device, Errno? expected)
    {
        var begun = bus.Bind(device);
        var refusal = begun.TryGet(out var change, out var refused) ? media.Run(bus, change.Steps)?.Refusal : refused;
        return refusal?.Errno == expected ? "" : $"expected {expected} but was {refusal}";
    }

    private static string Disables(Bus bus, params string[] names) =>
        string.Concat(names.Select(n => bus.DisableNamespace(n).Refusal is { } refusal ? $"{refusal}" : ""));
}
