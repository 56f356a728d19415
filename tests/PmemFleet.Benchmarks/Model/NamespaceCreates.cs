using System.Diagnostics;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Labels;
using PmemFleet.Nvdimm.Model;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Benchmarks.Model;

/// <summary>One region with 500 namespaces of 16 MiB, and one more that comes and goes.</summary>
internal static class NamespaceCreates
{
    private const int Held = 500;
    private const int Creates = 20_000;

    /// <summary>Creates a second; the destroys between them are not timed.</summary>
    public static double PerSecond(bool devdax)
    {
        var bus = Bus.Load(new BusSnapshot { Provider = "ACPI.NFIT" });
        Require(bus.Plug(new DimmSnapshot
        {
            Id = 0,
            Uuid = Number(1),
            Capacity = new Bytes(64 * Bytes.GiB),
            LabelAreaBytes = 1 << 20,
            Handle = 1,
            PhysicalId = 0,
            SerialNumber = 1,
            VendorId = 0x8680,
        }).Refusal);
        Require(bus.InitLabels("nmem0", LabelVersion.V12).Refusal);
        Require(bus.Define(new RegionDefinition { Uuid = Number(2), Kind = RegionKind.Nfit, Mappings = [new MappingDefinition("nmem0")], NumaNode = 0, TargetNode = 0 }).Refusal);
        for (var i = 0; i < Held; i++)
        {
            _ = Create(bus, 1000 + i, devdax);
        }

        long ticks = 0;
        for (var i = 0; i < Creates; i++)
        {
            var start = Stopwatch.GetTimestamp();
            var name = Create(bus, 10_000 + i, devdax);
            ticks += Stopwatch.GetTimestamp() - start;
            Require(bus.DestroyNamespace(name, force: true).Refusal);
        }

        return Creates / ((double)ticks / Stopwatch.Frequency);
    }

    private static string Create(Bus bus, int number, bool devdax)
    {
        var created = bus.CreateNamespace(new NamespaceOptions
        {
            Uuid = Number(number),
            PersonalityUuid = Number(1_000_000 + number),
            Mode = devdax ? NamespaceMode.Devdax : NamespaceMode.Raw,
            Size = new SizeText(64 * Bytes.MiB, 1),
        });
        Require(created.Refusal);
        foreach (var step in created.Value.Steps)
        {
            if (step is MediaStep.Bind bind)
            {
                Require(bus.Complete(bind.Plan.Namespace, Outcome(bind.Plan)).Refusal);
            }
        }

        return created.Value.Namespace.Name;
    }

    /// <summary>What a worker would answer.</summary>
    private static BindOutcome Outcome(BindPlan plan) => plan.Configured is not { } configured ? new BindOutcome.Raw() : new BindOutcome.Pages
    {
        Kind = configured.Kind,
        Uuid = configured.Uuid,
        Map = configured.Map ?? MapLocation.Pmem,
        Align = configured.Align ?? new Bytes(2 * Bytes.MiB),
        DataOffset = new Bytes(4 * Bytes.MiB),
        StartPad = default,
        EndTrunc = default,
        Size = new Bytes(plan.Size.Value - (4 * Bytes.MiB)),
        PageCount = (plan.Size.Value - (4 * Bytes.MiB)) / 4096,
        Messages = [],
    };

    private static Guid Number(int number) => new(number, 0, 0x4000, 0x80, 0, 0, 0, 0, 0, 0, 1);

    private static void Require(Refusal? refusal)
    {
        if (refusal is not null)
        {
            throw new InvalidOperationException(refusal.Message);
        }
    }
}
