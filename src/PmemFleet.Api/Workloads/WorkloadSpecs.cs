using System.Collections.Immutable;
using System.Text.RegularExpressions;
using PmemFleet.Api.Problems;
using PmemFleet.Contracts;
using PmemFleet.Contracts.Hosts;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Workloads;
using PmemFleet.DeviceDax.Machines;
using PmemFleet.DeviceDax.Primitives;
using PmemFleet.DeviceDax.Workloads;

namespace PmemFleet.Api.Workloads;

/// <summary>From a request and the devices it runs on to the engine's spec.</summary>
public static partial class WorkloadSpecs
{
    private static readonly Dictionary<string, AccessPatternKind> Patterns = new(StringComparer.Ordinal)
    {
        ["sequential"] = AccessPatternKind.Sequential,
        ["stride"] = AccessPatternKind.Stride,
        ["uniform"] = AccessPatternKind.Uniform,
        ["zipf"] = AccessPatternKind.Zipf,
        ["pointer-chase"] = AccessPatternKind.PointerChase,
    };

    private static readonly Dictionary<string, InjectionKind> Injections = new(StringComparer.Ordinal)
    {
        ["poison"] = InjectionKind.Poison,
        ["disable"] = InjectionKind.Disable,
        ["power-cut"] = InjectionKind.PowerCut,
    };

    /// <summary>The spec, which the engine has looked over: what it refuses is refused here already.</summary>
    public static (WorkloadSpec? Spec, RefusalDto? Refusal) Read(CreateWorkloadRequest request, MachineProfile profile, ImmutableArray<WorkloadDevice> devices)
    {
        if (request.Name is { } name && !IsName(name))
        {
            return (null, BadName("name"));
        }

        var (phases, refusal) = ReadAll(request.Phases!, ReadPhase);
        var (injections, badInjection) = refusal is null ? ReadAll(request.Injections ?? [], ReadInjection) : ([], null);
        if ((refusal ?? badInjection) is { } bad)
        {
            return (null, bad);
        }

        var spec = new WorkloadSpec
        {
            Seed = (ulong)(request.Seed ?? 0),
            Processes = request.Processes ?? 1,
            Profile = profile,
            Devices = devices,
            Mappings = [.. request.Mappings!.Select(mapping => new WorkloadMapping(mapping.Device!, Bytes(mapping.Length), Bytes(mapping.Offset)))],
            Phases = phases,
            Injections = injections,
            Tlb = request.Tlb is null ? null : TlbGeometries.Read(request.Tlb),
            SeriesPoints = request.SeriesPoints ?? 64,
        };
        return WorkloadRunner.Validate(spec) is { } refused ? (null, ToDto(refused)) : (spec, null);
    }

    public static MachineProfile ProfileOf(PlatformDto platform) => new()
    {
        Kernel = platform.Profile == "linux-4.10" ? KernelProfile.Linux410 : KernelProfile.Linux61,
        HasPudPages = platform.SupportsPud,
        PageTableLevels = platform.PageTableLevels,
    };

    /// <summary>The engine's refusal on the wire; its errno is Linux's.</summary>
    public static RefusalDto ToDto(Refusal refusal) => new()
    {
        Errno = refusal.Errno.ToString(),
        Code = refusal.Rule,
        Message = refusal.KernelMessage ?? refusal.Message,
        Numbers = refusal.Numbers.IsEmpty ? null : refusal.Numbers,
        Allowed = refusal.Allowed.IsDefaultOrEmpty ? null : [.. refusal.Allowed],
        Subject = refusal.Subject,
    };

    private static (ImmutableArray<TOut> Read, RefusalDto? Refusal) ReadAll<TIn, TOut>(IReadOnlyList<TIn> requests, Func<TIn, int, (TOut? Read, RefusalDto? Refusal)> read)
        where TOut : class
    {
        var all = ImmutableArray.CreateBuilder<TOut>();
        for (var i = 0; i < Math.Min(requests.Count, WorkloadLimits.Phases + 1); i++)
        {
            var (one, refusal) = read(requests[i], i);
            if (one is null)
            {
                return ([], refusal);
            }

            all.Add(one);
        }

        return (all.ToImmutable(), null);
    }

    private static (WorkloadPhase? Phase, RefusalDto? Refusal) ReadPhase(WorkloadPhaseRequest phase, int index)
    {
        var at = $"phases/{index}";
        if (phase.Populate && (phase.Pattern ?? (object?)phase.Accesses) is not null)
        {
            return (null, Refusals.Invalid("workload-invalid", $"{at}/populate", "A populate has neither pattern nor accesses."));
        }

        if (phase.Pattern is { } pattern && !Patterns.ContainsKey(pattern))
        {
            return (null, Refusals.Invalid("workload-invalid", $"{at}/pattern", $"There is no pattern '{pattern}'.", [.. Patterns.Keys]));
        }

        if (!phase.Populate && phase.Accesses is null)
        {
            return (null, Refusals.Invalid("workload-invalid", $"{at}/accesses", "A phase makes accesses, or populates."));
        }

        if (phase.Name is { } name && !IsName(name))
        {
            return (null, BadName($"{at}/name"));
        }

        var step = phase.Step is { } given ? (ulong)given.Value : PageGranules.PageBytes;
        return (new WorkloadPhase(phase.Name ?? (phase.Populate ? "populate" : phase.Pattern ?? "sequential"))
        {
            Mapping = phase.Mapping ?? 0,
            Populates = phase.Populate,
            Pattern = Patterns[phase.Pattern ?? "sequential"],
            Accesses = phase.Accesses ?? 0,
            StepBytes = step,
            StrideBytes = phase.Stride is { } stride ? (ulong)stride.Value : Math.Max(step, 8),
            ZipfExponent = phase.ZipfExponent ?? 0.99,
            WritePercent = phase.WritePercent ?? 0,
        }, null);
    }

    private static (WorkloadInjection? Injection, RefusalDto? Refusal) ReadInjection(WorkloadInjectionRequest injection, int index)
    {
        if (!Injections.TryGetValue(injection.Kind!, out var kind))
        {
            return (null, Refusals.Invalid("workload-invalid", $"injections/{index}/kind", $"There is no injection '{injection.Kind}'.", [.. Injections.Keys]));
        }

        return (new WorkloadInjection(kind, injection.Phase ?? 0, injection.AfterAccesses ?? 0)
        {
            Device = injection.Device,
            Offset = Bytes(injection.Offset),
            Length = injection.Length is { } length ? (ulong)length.Value : 64,
        }, null);
    }

    private static ulong Bytes(ByteSize? size) => (ulong)(size?.Value ?? 0);

    private static bool IsName(string name) => Name().IsMatch(name);

    private static RefusalDto BadName(string subject) =>
        Refusals.Invalid("name-invalid", subject, "A name is 1 to 63 letters, digits, '-', '_' and '.', beginning with a letter or digit.");

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}\z", RegexOptions.ExplicitCapture)]
    private static partial Regex Name();
}
